"""The folders below which checkpoints may lie."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from laserve.checkpoint.strict_json import few
from laserve.errors import CheckpointRejected


def locate(named: Path, roots: Sequence[Path]) -> Path:
    """A checkpoint folder as it was named; a relative path counts from the first of `roots` that
    has it. Raises CheckpointRejected where it is no folder, or leads out of them."""
    if named.is_absolute():
        real_folder(named, roots)
        return named
    refused: CheckpointRejected | None = None
    for root in roots:
        try:
            real_folder(root / named, roots)
        except CheckpointRejected as error:
            refused = refused or error
        else:
            return root / named
    raise refused or CheckpointRejected(f"{str(named)!r} leads nowhere: no folder is allowed")


def real_folder(folder: Path, roots: Sequence[Path]) -> str:
    """The real path of a folder below one of the real `roots`. Raises CheckpointRejected."""
    try:
        real = os.path.realpath(folder)
        real.encode("utf-8")
        inside = any(Path(real).is_relative_to(os.path.realpath(root)) for root in roots)
    except ValueError as error:
        raise CheckpointRejected(f"{str(folder)!r} is no path: {error}") from error
    if not inside:
        allowed = few(str(root) for root in roots) or "none"
        raise CheckpointRejected(
            f"{str(folder)!r} leads to no folder below the allowed ones ({allowed})"
        )
    try:
        is_folder = Path(real).is_dir()
    except OSError as error:
        cause = os.strerror(error.errno or errno.EIO)
        raise CheckpointRejected(f"{str(folder)!r} cannot be read: {cause}") from error
    if not is_folder:
        raise CheckpointRejected(f"{str(folder)!r} is no folder")
    return real
