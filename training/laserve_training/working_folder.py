"""A folder that becomes another one when it is whole; what a kill leaves of it is removed later."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def working_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, under a hidden name and locked, to be renamed to it. What is
    left of it in the end is removed."""
    with TemporaryDirectory(dir=target.parent, prefix=_prefix(target)) as scratch:
        descriptor = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            written = Path(scratch) / target.name
            written.mkdir()
            yield written
        finally:
            os.close(descriptor)


def remove_leftovers(target: Path) -> None:
    """Remove the working folders of `target` that no process holds any more."""
    for folder in target.parent.glob(f"{_prefix(target)}*"):
        # Another user's, or one that another process holds or removes.
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _prefix(target: Path) -> str:
    return f".{target.name}-"
