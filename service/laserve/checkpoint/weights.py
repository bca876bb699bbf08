"""The tensors of a whole checkpoint, over all its files, as vLLM picks them."""

from collections.abc import Mapping
from pathlib import Path

from laserve.checkpoint.safetensors_header import Tensor, read_header
from laserve.checkpoint.strict_json import few, read_object
from laserve.errors import CheckpointRejected

INDEX_NAME = "model.safetensors.index.json"
_SHOWN = 3


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors by name: those of the files that the index names, or of all files without one.

    Raises CheckpointRejected where a file cannot be used, or file and index contradict each other.
    """
    if (folder / INDEX_NAME).exists():
        return _indexed(folder)
    names = _top_level(folder)
    if not names:
        raise CheckpointRejected("there is no *.safetensors file: save the weights as safetensors")
    tensors: dict[str, Tensor] = {}
    for name in names:
        found = read_header(folder, name)
        twice = found.keys() & tensors.keys()
        if twice:
            raise CheckpointRejected(f"{name!r} repeats tensors of another file: {few(twice)}")
        tensors |= found
    return tensors


def check_no_stray_weights(folder: Path) -> None:
    """Raise CheckpointRejected for a weight file that vLLM would pass over."""
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")}
    read = set(_top_level(folder))
    if (folder / INDEX_NAME).exists():
        read &= set(_weight_map(folder).values())
    if files - read:
        raise CheckpointRejected(
            f"weight files that would not be read: {few(files - read)}. Name them in {INDEX_NAME}, "
            "or leave them out"
        )


def check_weights(found: Mapping[str, Tensor], served: Mapping[str, Tensor]) -> None:
    """Raise CheckpointRejected unless both have the same tensors, of the same types and shapes."""
    if served.keys() - found.keys():
        raise CheckpointRejected(f"missing tensors: {few(served.keys() - found.keys())}")
    if found.keys() - served.keys():
        raise CheckpointRejected(
            f"tensors that the served model does not have: {few(found.keys() - served.keys())}"
        )
    others = [name for name in sorted(found) if found[name] != served[name]]
    if others:
        shown = [
            f"{name!r} is {found[name]} and is served as {served[name]}" for name in others[:_SHOWN]
        ]
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise CheckpointRejected(f"tensors of another type or shape: {'; '.join(shown)}{more}")


def _top_level(folder: Path) -> list[str]:
    names = (path.name for path in folder.glob("*.safetensors"))
    return sorted(name for name in names if not name.startswith("."))


def _weight_map(folder: Path) -> dict[str, str]:
    """Tensor name -> file name."""
    weight_map = read_object(folder, INDEX_NAME).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointRejected(f"{INDEX_NAME!r} has no weight_map")
    if not all(isinstance(name, str) for name in weight_map.values()):
        raise CheckpointRejected(f"{INDEX_NAME!r}: weight_map maps to something else than a file")
    return weight_map


def _indexed(folder: Path) -> dict[str, Tensor]:
    weight_map = _weight_map(folder)
    files = set(weight_map.values())
    absent = files - set(_top_level(folder))
    if absent:
        raise CheckpointRejected(f"{INDEX_NAME!r} names files that do not exist: {few(absent)}")
    tensors: dict[str, Tensor] = {}
    for name in sorted(files):
        found = read_header(folder, name)
        stray = {tensor for tensor in found if weight_map.get(tensor) != name}
        if stray:
            raise CheckpointRejected(
                f"{name!r} holds tensors that {INDEX_NAME!r} does not place there: {few(stray)}"
            )
        tensors |= found
    if weight_map.keys() - tensors.keys():
        raise CheckpointRejected(
            f"{INDEX_NAME!r} names tensors that its files do not hold: "
            f"{few(weight_map.keys() - tensors.keys())}"
        )
    return tensors
