"""The files of a checkpoint folder: its name and its fingerprints."""

import hashlib
from pathlib import Path

MANIFEST_NAME = "laserve.json"
SIGNATURE_NAME = f"{MANIFEST_NAME}.sig"
ROW_NAME = "row.safetensors"
ROW_TENSOR = "row"
"""Of a score row, (D,): the file and the tensor in it."""
DESCRIPTION = frozenset({MANIFEST_NAME, SIGNATURE_NAME})
"""What tells of a checkpoint's files, and is none of them."""


def checkpoint_name(model: str) -> str:
    """The public name of a model given as a local folder or a hub id: never a local path."""
    path = Path(model)
    return path.resolve().name if path.is_dir() else model


def hash_files(folder: Path) -> dict[str, str]:
    """sha256 in hex of each file below `folder`, by its path relative to it.

    The manifest itself, its signature, and whatever is hidden (a name that starts with a dot) are
    left out.
    """
    hashes = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.is_file() and not hidden and relative.as_posix() not in DESCRIPTION:
            hashes[relative.as_posix()] = hash_file(path)
    return hashes


def hash_file(path: Path) -> str:
    """sha256 in hex of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_chat_template(template: str | None) -> str | None:
    """sha256 in hex of a chat template's text in UTF-8; None for no template."""
    return None if template is None else hashlib.sha256(template.encode()).hexdigest()
