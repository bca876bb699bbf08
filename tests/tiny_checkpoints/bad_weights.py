"""Bad weight files, whatever their numbers are."""

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.tiny_checkpoints.change import (
    HEAD,
    INDEX,
    NORM,
    WEIGHTS,
    change_file,
    change_header,
    change_tensors,
    edit_json,
    in_shards,
    state_twice,
    truncate,
    write_file,
)
from tests.tiny_checkpoints.mutation import Mutation, on_disk


def _in_a_subfolder(folder: Path) -> None:
    (folder / "sub").mkdir()
    shutil.copy(folder / WEIGHTS, folder / "sub" / WEIGHTS)


def _repeat_a_tensor(folder: Path) -> None:
    first, second = sorted(folder.glob("model-*.safetensors"))
    tensors = load_file(first)
    save_file(load_file(second) | {NORM: torch.zeros(64)} | tensors, second, {"format": "pt"})


def _second_file(folder: Path) -> None:
    save_file({NORM: torch.ones(64)}, folder / "more.safetensors", {"format": "pt"})


def _wrap(tensors: dict[str, torch.Tensor]) -> None:
    for name in list(tensors):
        tensors[f"module.{name}"] = tensors.pop(name)


WEIGHT_FILES: dict[str, Mutation] = {
    "no weights": on_disk(lambda folder: (folder / WEIGHTS).unlink(), "no .*safetensors file"),
    "wrong shape": on_disk(
        change_tensors(lambda tensors: tensors.update({NORM: torch.ones(32)})),
        r"'model.norm.weight' is F32 \[32\] and is served as F32 \[64\]",
    ),
    "wrong dtype": on_disk(
        change_tensors(lambda tensors: tensors.update({NORM: torch.ones(64).bfloat16()})),
        "'model.norm.weight' is BF16",
    ),
    "missing tensor": on_disk(
        change_tensors(lambda tensors: tensors.pop(NORM)), "missing tensors: 'model.norm.weight'"
    ),
    "extra tensor": on_disk(
        change_tensors(lambda tensors: tensors.update({"extra.weight": torch.ones(2)})),
        "does not have: 'extra.weight'",
    ),
    "empty shard": on_disk(write_file(WEIGHTS, b""), "'model.safetensors' has 0 bytes"),
    "truncated shard": on_disk(truncate, "'model.safetensors' holds.*truncated"),
    "shard with a tail": on_disk(
        lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes() + b"more"),
        "longer than its tensors",
    ),
    "header of 2^60 bytes": on_disk(
        write_file(WEIGHTS, (1 << 60).to_bytes(8, "little") + b"{}"),
        "header of 1152921504606846976",
    ),
    "header that is no JSON": on_disk(
        write_file(WEIGHTS, (4).to_bytes(8, "little") + b"\xff\xfe\x00\x00"), "no valid JSON"
    ),
    "overlapping tensors": on_disk(
        change_header(lambda header: header[NORM].update(data_offsets=[0, 256])), "overlap"
    ),
    "gap between tensors": on_disk(
        change_header(lambda header: header.pop(NORM)), "leave a gap|longer"
    ),
    "tensor of another size than its shape": on_disk(
        change_header(lambda header: header[NORM].update(shape=[65])), "is not the size of F32"
    ),
    "tensor of an unknown type": on_disk(
        change_header(lambda header: header[NORM].update(dtype="F33")), "unknown dtype 'F33'"
    ),
    "tensor of a negative size": on_disk(
        change_header(lambda header: header[NORM].update(shape=[-8, -8])),
        "a shape that no tensor has",
    ),
    "tensor without a place": on_disk(
        change_header(lambda header: header[NORM].pop("data_offsets")),
        "no dtype, shape and data_offsets",
    ),
    "tensor in two shards": on_disk(
        in_shards(_repeat_a_tensor), "holds tensors that .* does not place there"
    ),
    "tensor in two files": on_disk(_second_file, "repeats tensors of another file: 'model.norm"),
    "shard that the index does not name": on_disk(
        in_shards(_second_file), "would not be read: 'more.safetensors'"
    ),
    "shard that does not exist": on_disk(
        in_shards(lambda folder: (folder / "model-00002-of-00002.safetensors").unlink()),
        "names files that do not exist: 'model-00002",
    ),
    "tensor that only the index has": on_disk(
        in_shards(
            lambda folder: edit_json(
                folder / INDEX,
                lambda content: content["weight_map"].update(
                    ghost="model-00001-of-00002.safetensors"
                ),
            )
        ),
        "names tensors that its files do not hold: 'ghost'",
    ),
    "key twice in the index": on_disk(
        in_shards(state_twice(INDEX, "weight_map")), "key 'weight_map' stands twice"
    ),
    "index without a map": on_disk(
        in_shards(change_file(INDEX, weight_map=3)), "has no weight_map"
    ),
    "weights in a subfolder": on_disk(
        _in_a_subfolder, "would not be read: 'sub/model.safetensors'"
    ),
    "names of a wrapper": on_disk(change_tensors(_wrap), "missing tensors: 'lm_head.weight'"),
    "floats that are called integers": on_disk(
        change_header(lambda header: header[NORM].update(dtype="I32")), r"is I32 \[64\]"
    ),
    "transposed in the header": on_disk(
        change_header(lambda header: header[HEAD]["shape"].reverse()), r"is F32 \[64, 384\]"
    ),
    "offset that is no integer": on_disk(
        change_header(lambda header: header[NORM]["data_offsets"].__setitem__(0, 0.5)),
        "no dtype, shape and data_offsets of their kind",
    ),
    "metadata that is no text": on_disk(
        change_header(lambda header: header.update(__metadata__={"format": 1})),
        "__metadata__ must map names to text",
    ),
    "tensor of nothing": on_disk(
        change_tensors(lambda tensors: tensors.update(nothing=torch.zeros(0))),
        "does not have: 'nothing'",
    ),
    "index that leads out": on_disk(
        in_shards(
            lambda folder: edit_json(
                folder / INDEX, lambda content: content["weight_map"].update({NORM: "../x"})
            )
        ),
        "names files that do not exist: '../x'",
    ),
    "index of another loader": on_disk(
        write_file("pytorch_model.bin.index.json", b'{"weight_map": {}}'),
        "served checkpoint has not.*'pytorch_model.bin.index.json'",
    ),
    "weights and an adapter": on_disk(
        write_file("adapter_config.json", b'{"peft_type": "LORA"}'), "adapter's weights are"
    ),
}
