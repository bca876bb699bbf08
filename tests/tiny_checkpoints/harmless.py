"""Checkpoints that look strange and are as good as the one that they were made of: they are taken,
and answer as it does."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from laserve.core.checkpoint_files import MANIFEST_NAME
from tests.tiny_checkpoints.change import (
    INDEX,
    WEIGHTS,
    Change,
    change_file,
    change_header,
    change_tensors,
    edit_json,
    in_shards,
    rehash,
    update,
)

HEADER_NAME = 'a"} 1 %0d%0a <b>'
"""A name that would break a header, a metric or a page which it is put into as it is."""


def _files(change: Change) -> Change:
    """Changed files with their hashes."""

    def apply(folder: Path) -> None:
        change(folder)
        rehash(folder)

    return apply


def _header_bytes(before: bytes, after: bytes) -> Change:
    """Blanks around the header."""

    def apply(folder: Path) -> None:
        content = (folder / WEIGHTS).read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = before + content[8 : 8 + length] + after
        start = len(header).to_bytes(8, "little")
        (folder / WEIGHTS).write_bytes(start + header + content[8 + length :])

    return apply


def _a_file_for_each_tensor(folder: Path) -> None:
    for number, (name, tensor) in enumerate(load_file(folder / WEIGHTS).items()):
        save_file({name: tensor}, folder / f"{number}.safetensors", {"format": "pt"})
    (folder / WEIGHTS).unlink()


def _wrong_size(content: dict[str, Any]) -> None:
    content["metadata"]["total_size"] = -5


def _noise(tensors: dict[str, torch.Tensor]) -> None:
    for tensor in tensors.values():
        tensor.mul_(1 + 1e-7)


def _large_metadata(header: dict[str, Any]) -> None:
    header["__metadata__"] |= {str(number): "x" * 100 for number in range(20_000)}


HARMLESS: dict[str, Change] = {
    "hard link to a file outside": lambda folder: os.link(
        folder / "config.json", folder.parent / f"{folder.name}-outside.json"
    ),
    "empty folders": lambda folder: (folder / "a" / "b").mkdir(parents=True),
    "name of 200 foxes": lambda folder: update(folder / MANIFEST_NAME, checkpoint="🦊" * 200),
    "name that breaks what it is put into": lambda folder: update(
        folder / MANIFEST_NAME, checkpoint=HEADER_NAME
    ),
    "EOS in another order": lambda folder: update(folder / MANIFEST_NAME, eos_token_ids=[257, 256]),
    "threshold that no score reaches": lambda folder: update(
        folder / MANIFEST_NAME, threshold=1000.0
    ),
    "weights under a pattern's name": _files(
        lambda folder: (folder / WEIGHTS).rename(folder / "[a]*?.safetensors")
    ),
    "a file for each tensor": _files(_a_file_for_each_tensor),
    "index with a wrong size": in_shards(
        _files(lambda folder: edit_json(folder / INDEX, _wrong_size))
    ),
    "blanks before the header": _files(_header_bytes(b"  ", b"")),
    "blanks after the header": _files(_header_bytes(b"", b"   ")),
    "no metadata": _files(change_header(lambda header: header.pop("__metadata__"))),
    "metadata of 2 MB": _files(change_header(_large_metadata)),
    "noise below a float's precision": _files(change_tensors(_noise)),
    "integer for a float": _files(
        lambda folder: edit_json(
            folder / "config.json",
            lambda config: config["rope_parameters"].update(rope_theta=10000),
        )
    ),
    "tokenizer that cuts off": _files(change_file("tokenizer_config.json", model_max_length=8)),
    "tokenizer of another class": _files(
        change_file("tokenizer_config.json", tokenizer_class="BertTokenizerFast")
    ),
    "normaliser that transformers does not read": _files(
        change_file("tokenizer.json", normalizer={"type": "Lowercase"})
    ),
    "most tokens of a beam search": _files(
        change_file("generation_config.json", num_beams=4, max_length=1)
    ),
}
