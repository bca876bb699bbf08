"""Checkpoints of the tiny model with a manifest, and the ways in which one can be bad.

`BAD` holds one mutation a defect, for the checks on disk and for a running server alike.
"""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from laserve.core.checkpoint_files import MANIFEST_NAME, hash_chat_template, hash_files
from laserve.core.describe import describe_checkpoint
from laserve.core.manifest import (
    MAX_MANIFEST_BYTES,
    ReferenceConstant,
    read_manifest,
    write_manifest,
)
from laserve.reference.load import load_model, load_tokenizer
from laserve.reference.measure import measure_reference
from laserve.reference.rows import Row
from tests.tiny_model import CHAT_TEMPLATE, TinyModel, build_tiny_model

C_REF = ReferenceConstant(mean=-14.2, std=1.4, count=100)
BETA_V = 0.1
PROBES = {
    "short": Row(prompt="What is 1 + 7?", completion="It is 8."),
    "longer": Row(prompt="Name a colour, please.", completion="Blue, like the sky at noon."),
    "one token": Row(prompt="Say one letter.", completion="A"),
}
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
NORM = "model.norm.weight"
HEAD = "lm_head.weight"


def build_checkpoint(folder: Path, *, seed: int = 0, name: str = "tiny-v1") -> TinyModel:
    """Save a tiny model with a manifest: hashes, and golden probes by Hugging Face."""
    tiny = build_tiny_model(folder, seed=seed)
    describe(folder, tiny, name)
    return tiny


def describe(folder: Path, tiny: TinyModel, name: str) -> None:
    """Write the manifest of a checkpoint that is complete but for it."""
    tokenizer = load_tokenizer(str(folder))
    measured = measure_reference(load_model(str(folder), "auto"), tokenizer, PROBES, z_c=tiny.z_c)
    write_manifest(
        folder,
        describe_checkpoint(
            folder,
            tokenizer,
            replace(measured.parameters(name, BETA_V), c_ref=C_REF.mean),
            c_ref=C_REF,
            base_model="tiny",
            completions=measured.completions,
        ),
    )


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the object in a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def update(path: Path, **values: object) -> None:
    """Set keys of a JSON file."""
    edit_json(path, lambda content: content.update(values))


def rehash(folder: Path) -> None:
    """Make the manifest's hashes those of the files."""
    update(folder / MANIFEST_NAME, files=hash_files(folder))


def shard(folder: Path) -> None:
    """Split the weights over two files with an index."""
    tensors = load_file(folder / WEIGHTS)
    names = sorted(tensors)
    (folder / WEIGHTS).unlink()
    weight_map: dict[str, str] = {}
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    size = sum(tensor.nbytes for tensor in tensors.values())
    content = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(content))
    rehash(folder)


class Stage(Enum):
    """What finds a defect."""

    STAGING = "staging"
    VERIFICATION = "verification"
    PROBES = "probes"
    """Nothing on disk shows it: only the numbers that the engine computes."""


@dataclass(frozen=True)
class Mutation:
    """Makes a good checkpoint bad in one way."""

    apply: Callable[[Path], object]
    """Changes the folder."""
    reason: str
    """Pattern that the reason must have."""
    stage: Stage = Stage.STAGING
    rehash: bool = False
    """Whether the manifest then gets the hashes of the changed files."""

    def __call__(self, folder: Path) -> None:
        self.apply(folder)
        if self.rehash:
            rehash(folder)


def _on_disk(apply: Callable[[Path], object], reason: str) -> Mutation:
    """A defect with the right hashes."""
    return Mutation(apply, reason, Stage.VERIFICATION, rehash=True)


def _stated(apply: Callable[[dict[str, Any]], object], reason: str) -> Mutation:
    """A manifest that is valid and does not belong to what is served."""
    return Mutation(
        lambda folder: edit_json(folder / MANIFEST_NAME, apply), reason, Stage.VERIFICATION
    )


def _invalid(apply: Callable[[dict[str, Any]], object], reason: str) -> Mutation:
    """A manifest that is not valid."""
    return Mutation(lambda folder: edit_json(folder / MANIFEST_NAME, apply), reason)


def _set(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.update(values)


def _file(name: str, **values: object) -> Callable[[Path], object]:
    return lambda folder: update(folder / name, **values)


def _write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _tensors(
    change: Callable[[dict[str, torch.Tensor]], object],
) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})

    return apply


def _header(
    change: Callable[[dict[str, Any]], object], name: str = WEIGHTS
) -> Callable[[Path], object]:
    """Rewrite a file's header and leave its data as it is."""

    def apply(folder: Path) -> None:
        content = (folder / name).read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        change(header)
        new = json.dumps(header).encode()
        (folder / name).write_bytes(len(new).to_bytes(8, "little") + new + content[8 + length :])

    return apply


def _truncate(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 1000)


def _flip_a_bit(folder: Path) -> None:
    """Of the lowest bit of the exponent: z_c's bias doubles, or is halved."""
    path = folder / WEIGHTS
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[:8], "little")
    begin = json.loads(content[8 : 8 + length])[HEAD]["data_offsets"][0]
    manifest = read_manifest(folder)
    assert manifest is not None
    columns = load_file(path)[HEAD].shape[1]
    element = 8 + length + begin + 4 * columns * manifest.z_c
    content[element + 2] ^= 0x80
    path.write_bytes(content)


def _other_tokens(folder: Path) -> None:
    def swap(content: dict[str, Any]) -> None:
        vocabulary = content["model"]["vocab"]
        vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]

    edit_json(folder / "tokenizer.json", swap)


def _other_template(folder: Path) -> None:
    template = CHAT_TEMPLATE.replace("assistant", "model")
    (folder / "chat_template.jinja").write_text(template)
    update(folder / MANIFEST_NAME, chat_template_sha256=hash_chat_template(template))


def _code(folder: Path) -> None:
    (folder / "modeling_tiny.py").write_text("print('hello')\n")
    update(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling_tiny.Tiny"})


def _link(name: str, target: Callable[[Path], Path]) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target(folder))

    return apply


def _link_out(folder: Path) -> None:
    outside = folder.parent / f"{folder.name}-outside.json"
    shutil.copy(folder / "config.json", outside)
    _link("config.json", lambda _: outside)(folder)


def pipe(path: Path) -> None:
    """Put a named pipe in the place of a file."""
    path.unlink()
    os.mkfifo(path)


def _in_a_subfolder(folder: Path) -> None:
    (folder / "sub").mkdir()
    shutil.copy(folder / WEIGHTS, folder / "sub" / WEIGHTS)


def _folder(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _twice(name: str, key: str) -> Callable[[Path], object]:
    """State a key a second time, with the same value."""

    def apply(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        repeated = json.dumps({key: content[key]})[:-1]
        (folder / name).write_text(f"{repeated}, {json.dumps(content)[1:]}")

    return apply


def _shards(change: Callable[[Path], object]) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        shard(folder)
        change(folder)

    return apply


def _repeat_a_tensor(folder: Path) -> None:
    first, second = sorted(folder.glob("model-*.safetensors"))
    tensors = load_file(first)
    save_file(load_file(second) | {NORM: torch.zeros(64)} | tensors, second, {"format": "pt"})


def _second_file(folder: Path) -> None:
    save_file({NORM: torch.ones(64)}, folder / "more.safetensors", {"format": "pt"})


def _shift_probes(content: dict[str, Any]) -> None:
    for probe in content["golden_probes"]:
        probe["logprob"] -= 3.0
        probe["score"] = BETA_V * (probe["logprob"] - C_REF.mean)


def as_schema_1(content: dict[str, Any], *, scored: bool = True) -> None:
    """A manifest as it was written before probes had rows, where scores need not be stated."""
    content["schema_version"] = 1
    for key in ("chat_template_kwargs", "calibration_samples", "reference_scores"):
        del content[key]
    for probe in content["golden_probes"]:
        del probe["rows"], probe["dtype"]
        if not scored:
            del probe["score"]


def _without_scores(content: dict[str, Any]) -> None:
    as_schema_1(content, scored=False)


def _other_beta_v(content: dict[str, Any]) -> None:
    _without_scores(content)
    content["beta_v"] = 2.0


def _other_base_and_beta_v(content: dict[str, Any]) -> None:
    _other_beta_v(content)
    content["base_model"] = "other"


def _many_probes(content: dict[str, Any]) -> None:
    as_schema_1(content)
    content["golden_probes"] *= 8000


def _long_probes(content: dict[str, Any]) -> None:
    as_schema_1(content)
    content["golden_probes"] = [
        {**content["golden_probes"][0], "prompt_token_ids": [1] * 2000} for _ in range(60)
    ]


def _output_rows(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], object]:
    """Give the tokens from "0" on each other's rows of the output layer."""
    first = 15  # of "0", in the tokenizer of bytes

    def apply(tensors: dict[str, torch.Tensor]) -> None:
        tensors[HEAD][first : first + 10] = change(tensors[HEAD][first : first + 10].clone())

    return _tensors(apply)


def _swap_two(rows: torch.Tensor) -> torch.Tensor:
    rows[[2, 7]] = rows[[7, 2]]
    return rows


def _element(name: str, row: int, value: float) -> Callable[[Path], object]:
    """Put one number into a tensor."""

    def apply(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name][row] = value

    return _tensors(apply)


def _other_c_ref(content: dict[str, Any]) -> None:
    _without_scores(content)
    content["c_ref"]["mean"] = -14.3


def _probe(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["golden_probes"][1].update(values)


BAD: dict[str, Mutation] = {
    # The folder and its files
    "empty folder": Mutation(_empty, "no laserve.json: it is not complete yet"),
    "half-written: no manifest": Mutation(
        lambda folder: (folder / MANIFEST_NAME).unlink(), "no laserve.json: it is not complete yet"
    ),
    "half-written: shard still growing": Mutation(_truncate, "'model.safetensors'.*sha256"),
    "missing file": Mutation(
        lambda folder: (folder / "tokenizer.json").unlink(), "missing: 'tokenizer.json'"
    ),
    "unlisted file": Mutation(_write("notes.txt", b"x"), "does not list: 'notes.txt'"),
    "flipped bit": Mutation(_flip_a_bit, "'model.safetensors' has not the sha256"),
    "wrong hash": _invalid(
        lambda content: content["files"].update({"config.json": "0" * 64}),
        "'config.json' has not the sha256",
    ),
    "listed pickle": Mutation(
        _write("pytorch_model.bin", b"\x80\x04."),
        "may carry code: 'pytorch_model.bin'",
        rehash=True,
    ),
    "unlisted pickle": Mutation(
        _write("training_args.bin", b"\x80\x04."), "may carry code: 'training_args.bin'"
    ),
    "python file": Mutation(_code, "may carry code: 'modeling_tiny.py'", rehash=True),
    "link that leads out": Mutation(_link_out, "'config.json' is a link that leads out"),
    "link to itself": Mutation(
        _link("config.json", lambda folder: folder / "config.json"),
        "'config.json' is a link that leads nowhere: Too many levels",
    ),
    "link to nothing": Mutation(
        _link("config.json", lambda folder: folder / "gone.json"),
        "'config.json' is a link that leads nowhere: No such file",
    ),
    "link to a folder": Mutation(
        _link("config.json", lambda folder: folder), "'config.json' is a folder"
    ),
    "pipe": Mutation(lambda folder: pipe(folder / WEIGHTS), "'model.safetensors' is a pipe"),
    "pipe as manifest": Mutation(
        lambda folder: pipe(folder / MANIFEST_NAME), "'laserve.json' is a pipe"
    ),
    "folder for a file": Mutation(_folder, "missing: 'config.json'"),
    # The manifest as a file
    "path out of the folder": _invalid(
        lambda content: content["files"].update({"../other.json": "0" * 64}),
        "must be a relative path inside",
    ),
    "absolute path": _invalid(
        lambda content: content["files"].update({"/etc/passwd": "0" * 64}),
        "must be a relative path inside",
    ),
    "huge manifest": Mutation(
        _write(MANIFEST_NAME, b" " * (MAX_MANIFEST_BYTES + 1)), "laserve.json is larger than 16 MiB"
    ),
    "nested manifest": Mutation(
        _write(MANIFEST_NAME, b"[" * 100_000), "laserve.json: Invalid JSON"
    ),
    "non-UTF-8 manifest": Mutation(
        _write(MANIFEST_NAME, '{"checkpoint": "é"}'.encode("latin-1")), "is not UTF-8"
    ),
    "key twice in the manifest": Mutation(
        _twice(MANIFEST_NAME, "beta_v"),
        "'laserve.json' is no valid JSON: key 'beta_v' stands twice",
    ),
    "other schema version": _invalid(_set(schema_version=3), "3 is neither 1 nor 2"),
    "name of 200,000 characters": _invalid(
        _set(checkpoint="a" * 200_000), "`checkpoint`: .*200 ch"
    ),
    "name of two lines": _invalid(_set(checkpoint="a\nb"), "`checkpoint`: must be one line"),
    "prompt of 200,000 characters": _invalid(
        _set(example_prompt="a" * 200_000), "`example_prompt`: .*10000 characters"
    ),
    "argument that is no variable of a template": _invalid(
        _set(chat_template_kwargs={"tokenize": False}), "tokenize is no variable of a template"
    ),
    "key that does not exist": _invalid(_set(zc=1), "unknown key `zc`"),
    # The configuration
    "other architecture": _on_disk(
        _file("config.json", model_type="llama", architectures=["LlamaForCausalLM"]),
        "config.json.*architectures is .*'LlamaForCausalLM'.* served as .*'Qwen2ForCausalLM'",
    ),
    "other hidden size": _on_disk(
        _file("config.json", hidden_size=32), "config.json.*hidden_size is 32 and is served as 64"
    ),
    "other compute type": _on_disk(
        _file("config.json", dtype="bfloat16"), "config.json.*dtype is 'bfloat16'"
    ),
    "quantised": _on_disk(
        _file("config.json", quantization_config={"quant_method": "awq", "bits": 4}),
        "config.json.*quantization_config",
    ),
    "tied embeddings": _on_disk(
        _file("config.json", tie_word_embeddings=True), "config.json.*tie_word_embeddings is True"
    ),
    "other rope": _on_disk(
        _file("config.json", rope_parameters={"rope_theta": 5e5, "rope_type": "default"}),
        "config.json.*rope_parameters.rope_theta is 500000.0 and is served as 10000.0",
    ),
    "setting that transformers does not know": _on_disk(
        _file("config.json", more=1), "config.json.*more is 1 and is served as absent"
    ),
    "auto_map": _on_disk(
        _file("config.json", auto_map={"AutoConfig": "other/repository--c.C"}),
        "auto_map in 'config.json'",
    ),
    "auto_map of the tokenizer": _on_disk(
        _file("tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}),
        "auto_map in 'tokenizer_config.json'",
    ),
    "no configuration": _on_disk(
        lambda folder: (folder / "config.json").unlink(), "'config.json' is missing"
    ),
    "configuration that is no JSON": _on_disk(
        _write("config.json", b"{"), "'config.json' is no valid JSON"
    ),
    "configuration that is no object": _on_disk(
        _write("config.json", b"[]"), "'config.json' holds no JSON object"
    ),
    "nested configuration": _on_disk(
        _write("config.json", b'{"a":' * 100_000), "'config.json' is no valid JSON"
    ),
    "key twice in the configuration": _on_disk(
        _twice("config.json", "hidden_size"), "'config.json'.*key 'hidden_size' stands twice"
    ),
    "settings of another loader": _on_disk(
        _write("params.json", b'{"dim": 64}'), "served checkpoint has not.*'params.json'"
    ),
    # The weights
    "no weights": _on_disk(lambda folder: (folder / WEIGHTS).unlink(), "no .*safetensors file"),
    "wrong shape": _on_disk(
        _tensors(lambda tensors: tensors.update({NORM: torch.ones(32)})),
        r"'model.norm.weight' is F32 \[32\] and is served as F32 \[64\]",
    ),
    "wrong dtype": _on_disk(
        _tensors(lambda tensors: tensors.update({NORM: torch.ones(64).bfloat16()})),
        "'model.norm.weight' is BF16",
    ),
    "missing tensor": _on_disk(
        _tensors(lambda tensors: tensors.pop(NORM)), "missing tensors: 'model.norm.weight'"
    ),
    "extra tensor": _on_disk(
        _tensors(lambda tensors: tensors.update({"extra.weight": torch.ones(2)})),
        "does not have: 'extra.weight'",
    ),
    "empty shard": _on_disk(_write(WEIGHTS, b""), "'model.safetensors' has 0 bytes"),
    "truncated shard": _on_disk(_truncate, "'model.safetensors' holds.*truncated"),
    "shard with a tail": _on_disk(
        lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes() + b"more"),
        "longer than its tensors",
    ),
    "header of 2^60 bytes": _on_disk(
        _write(WEIGHTS, (1 << 60).to_bytes(8, "little") + b"{}"), "header of 1152921504606846976"
    ),
    "header that is no JSON": _on_disk(
        _write(WEIGHTS, (4).to_bytes(8, "little") + b"\xff\xfe\x00\x00"), "no valid JSON"
    ),
    "overlapping tensors": _on_disk(
        _header(lambda header: header[NORM].update(data_offsets=[0, 256])), "overlap"
    ),
    "gap between tensors": _on_disk(_header(lambda header: header.pop(NORM)), "leave a gap|longer"),
    "tensor of another size than its shape": _on_disk(
        _header(lambda header: header[NORM].update(shape=[65])), "is not the size of F32"
    ),
    "tensor of an unknown type": _on_disk(
        _header(lambda header: header[NORM].update(dtype="F33")), "unknown dtype 'F33'"
    ),
    "tensor of a negative size": _on_disk(
        _header(lambda header: header[NORM].update(shape=[-8, -8])), "a shape that no tensor has"
    ),
    "tensor without a place": _on_disk(
        _header(lambda header: header[NORM].pop("data_offsets")), "no dtype, shape and data_offsets"
    ),
    "tensor in two shards": _on_disk(
        _shards(_repeat_a_tensor), "holds tensors that .* does not place there"
    ),
    "tensor in two files": _on_disk(_second_file, "repeats tensors of another file: 'model.norm"),
    "shard that the index does not name": _on_disk(
        _shards(_second_file), "would not be read: 'more.safetensors'"
    ),
    "shard that does not exist": _on_disk(
        _shards(lambda folder: (folder / "model-00002-of-00002.safetensors").unlink()),
        "names files that do not exist: 'model-00002",
    ),
    "tensor that only the index has": _on_disk(
        _shards(
            lambda folder: edit_json(
                folder / INDEX,
                lambda content: content["weight_map"].update(
                    ghost="model-00001-of-00002.safetensors"
                ),
            )
        ),
        "names tensors that its files do not hold: 'ghost'",
    ),
    "key twice in the index": _on_disk(
        _shards(_twice(INDEX, "weight_map")), "key 'weight_map' stands twice"
    ),
    "index without a map": _on_disk(_shards(_file(INDEX, weight_map=3)), "has no weight_map"),
    "weights in a subfolder": _on_disk(
        _in_a_subfolder, "would not be read: 'sub/model.safetensors'"
    ),
    # The tokenizer
    "other tokenizer": _on_disk(_other_tokens, r"tokenizer is another one: .*'a' \("),
    "other special tokens": _on_disk(
        _file("tokenizer_config.json", eos_token="<|endoftext|>"),
        "tokenizer is another one: it differs .* special tokens",
    ),
    "tokenizer that is no tokenizer": _on_disk(
        _write("tokenizer.json", b'{"model": 3}'), "the tokenizer cannot be loaded"
    ),
    "tokenizer whose model is unknown": _on_disk(
        lambda folder: edit_json(
            folder / "tokenizer.json", lambda content: content["model"].update(type="XYZ")
        ),
        "the tokenizer cannot be loaded",
    ),
    "other chat template": _on_disk(_other_template, "chat template is another one"),
    "wrong hash of the chat template": _stated(
        _set(chat_template_sha256="0" * 64), "chat_template_sha256 is 0000"
    ),
    "other arguments of the chat template": _stated(
        _set(chat_template_kwargs={"brief": True}), "chat_template_kwargs give .*'brief': True"
    ),
    "no hash of the chat template": _stated(
        _set(chat_template_sha256=None), "chat_template_sha256 is None"
    ),
    # The score's constants
    "wrong EOS": _on_disk(
        _file("generation_config.json", eos_token_id=[256]),
        r"end a completion at \[256\].*eos_token_ids are \[256, 257\]",
    ),
    "wrong EOS in the manifest": _stated(
        _set(eos_token_ids=[256]), r"manifest's eos_token_ids are \[256\]"
    ),
    "EOS that is no token": _on_disk(
        _file("generation_config.json", eos_token_id=[{"id": 256}]), "eos_token_id is .*no token id"
    ),
    "wrong z_c": _stated(_set(z_c=258, z_c_token="<|im_start|>"), "z_c is 258"),
    "wrong z_c_token": _stated(_set(z_c_token="<|im_start|>"), "z_c_token: z_c=259 is '<|vision"),
    "wrong c_ref": _invalid(
        lambda content: content["c_ref"].update(mean=-12.2), "c_ref=-12.2.*one of c_ref and beta_v"
    ),
    "wrong c_ref and no scores": _stated(_other_c_ref, "c_ref is -14.3, and -14.2 in the served"),
    "wrong beta_v and no scores": _stated(_other_beta_v, "beta_v is 2.0, and 0.1 in the served"),
    "another base model and no scores": _stated(
        _other_base_and_beta_v,
        "golden_probes.0 states no score",
    ),
    "other sampling defaults": _on_disk(
        _file("generation_config.json", temperature=0.6), "gives temperature=0.6 .* them 1.0"
    ),
    "wrong beta_v": _invalid(_set(beta_v=0.2), "beta_v=0.2.*one of c_ref and beta_v"),
    "c_ref that is not finite": _invalid(
        lambda content: content["c_ref"].update(mean=-math.inf), "c_ref.mean"
    ),
    # The golden probes
    "no probes": _stated(_set(golden_probes=[]), "golden_probes is empty"),
    "probe beyond the vocabulary": _stated(
        lambda content: content["golden_probes"][1]["prompt_token_ids"].__setitem__(0, 384),
        "golden_probes.1 has the token 384",
    ),
    "probe beyond the context": _stated(
        _probe(prompt_token_ids=[1] * 2048), "golden_probes.1 has 2.* tokens.*context 2048"
    ),
    "24,000 probes": _invalid(_many_probes, "`golden_probes`: .*at most 64 items"),
    "probes that take minutes": _invalid(_long_probes, "golden_probes take .* tokens to replay"),
    "probe without a score": _invalid(_probe(score=None), "golden_probes.1.score must be stated"),
    "probe without rows": _invalid(_probe(rows=[]), "golden_probes.1.rows and dtype must be"),
    "probe whose rows are no sketches": _invalid(
        lambda content: content["golden_probes"][1]["rows"][0].update(sketch="AAA="),
        "golden_probes.1.rows.0.sketch`: has 2 bytes",
    ),
    "row beyond the probe": _invalid(
        lambda content: content["golden_probes"][1]["rows"][0].update(position=10_000),
        "golden_probes.1.rows.0.position is beyond",
    ),
    "rows of another vocabulary": _stated(
        lambda content: content["golden_probes"][1]["rows"][0].update(vocab_size=512),
        "golden_probes.1 has a distribution over 512 tokens, the vocabulary has 384",
    ),
    # The numbers in the weights
    "NaN weights": _on_disk(
        _tensors(lambda tensors: tensors.update({NORM: torch.full((64,), math.nan)})),
        "'model.safetensors': tensor 'model.norm.weight' holds NaN or infinity",
    ),
    "NaN in an embedding that no probe meets": _on_disk(
        _element("model.embed_tokens.weight", 383, math.nan),
        "tensor 'model.embed_tokens.weight' holds NaN or infinity",
    ),
    "infinity": _on_disk(
        _element("model.layers.1.mlp.down_proj.weight", 3, -math.inf), "holds NaN or infinity"
    ),
    "swapped rows of the output": Mutation(
        _output_rows(_swap_two), "golden probe 0 gives another distribution", Stage.PROBES, True
    ),
    "reversed rows of the output": Mutation(
        _output_rows(lambda rows: rows.flip(0)),
        "golden probe 0 gives another distribution",
        Stage.PROBES,
        rehash=True,
    ),
    "flipped bit with its hash": Mutation(_flip_a_bit, "probe", Stage.PROBES, rehash=True),
    "probes of another checkpoint": Mutation(
        lambda folder: edit_json(folder / MANIFEST_NAME, _shift_probes), "probe", Stage.PROBES
    ),
}


def names(stages: Iterable[Stage]) -> list[str]:
    """The defects that are found at these stages."""
    return [name for name, mutation in BAD.items() if mutation.stage in stages]
