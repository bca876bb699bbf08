"""Ways to change a checkpoint folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from laserve.core.checkpoint_files import MANIFEST_NAME, hash_files
from laserve.core.manifest import read_manifest

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
NORM = "model.norm.weight"
HEAD = "lm_head.weight"

Change = Callable[[Path], object]
"""Changes the folder."""


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


def as_schema_1(content: dict[str, Any], *, scored: bool = True) -> None:
    """A manifest as it was written before probes had rows, where scores need not be stated."""
    content["schema_version"] = 1
    for key in (
        *("chat_template_kwargs", "calibration_samples"),
        *("calibration_sampling", "reference_scores"),
    ):
        del content[key]
    for probe in content["golden_probes"]:
        del probe["rows"], probe["dtype"]
        if not scored:
            del probe["score"]


def pipe(path: Path) -> None:
    """Put a named pipe in the place of a file."""
    path.unlink()
    os.mkfifo(path)


def set_keys(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.update(values)


def change_file(name: str, **values: object) -> Change:
    return lambda folder: update(folder / name, **values)


def write_file(name: str, content: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content)


def change_tensors(
    change: Callable[[dict[str, torch.Tensor]], object],
) -> Change:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})

    return apply


def change_header(change: Callable[[dict[str, Any]], object], name: str = WEIGHTS) -> Change:
    """Rewrite a file's header and leave its data as it is."""

    def apply(folder: Path) -> None:
        content = (folder / name).read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        change(header)
        new = json.dumps(header).encode()
        (folder / name).write_bytes(len(new).to_bytes(8, "little") + new + content[8 + length :])

    return apply


def replace_by_link(name: str, target: Callable[[Path], Path]) -> Change:
    def apply(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target(folder))

    return apply


def state_twice(name: str, key: str) -> Change:
    """State a key a second time, with the same value."""

    def apply(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        repeated = json.dumps({key: content[key]})[:-1]
        (folder / name).write_text(f"{repeated}, {json.dumps(content)[1:]}")

    return apply


def in_shards(change: Change) -> Change:
    def apply(folder: Path) -> None:
        shard(folder)
        change(folder)

    return apply


def truncate(folder: Path) -> None:
    """Take the last 1000 bytes off the weights."""
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 1000)


def flip_a_bit(folder: Path) -> None:
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
