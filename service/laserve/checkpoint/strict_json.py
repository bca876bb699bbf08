"""JSON files of a checkpoint, read so that everyone who reads them reads the same."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from laserve.errors import CheckpointRejected

MAX_JSON_BYTES = 128 * 2**20
"""Several times the largest tokenizer.json."""
_SHOWN = 4


def read_json(folder: Path, name: str) -> Any:
    """What a JSON file of a checkpoint folder holds. Raises CheckpointRejected."""
    try:
        with (folder / name).open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise CheckpointRejected(f"{name!r} cannot be read: {error.strerror}") from error
    if len(content) > MAX_JSON_BYTES:
        raise CheckpointRejected(f"{name!r} is larger than {MAX_JSON_BYTES // 2**20} MiB")
    return parse_json(content, name)


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint folder. Raises CheckpointRejected."""
    return _as_object(read_json(folder, name), name)


def parse_json(content: bytes, name: str) -> Any:
    """What a JSON file's bytes hold; `name` is the file that messages name.

    An object with a key twice is refused: readers differ in which of the two they take. Raises
    CheckpointRejected.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            # NaN is not equal to itself; its name is.
            parse_constant=str,
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointRejected(f"{name!r} is no valid JSON: {error}") from error


def parse_object(content: bytes, name: str) -> dict[str, Any]:
    """The JSON object that a file's bytes hold, as `parse_json`. Raises CheckpointRejected."""
    return _as_object(parse_json(content, name), name)


def few(names: Iterable[str]) -> str:
    """The first few names, quoted, and how many more there are."""
    quoted = [repr(name) for name in sorted(names)]
    more = len(quoted) - _SHOWN
    return ", ".join(quoted[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _as_object(parsed: Any, name: str) -> dict[str, Any]:
    if not isinstance(parsed, dict):
        raise CheckpointRejected(f"{name!r} holds no JSON object")
    return parsed


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} stands twice in one object")
        found[key] = value
    return found
