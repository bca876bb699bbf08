"""The files of a candidate checkpoint: which there are, read so that none leads elsewhere."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from laserve.checkpoint.strict_json import few
from laserve.errors import CheckpointRejected

ALLOWED_SUFFIXES = frozenset(
    {".safetensors", ".json", ".jinja", ".txt", ".md", ".model", ".tiktoken"}
)
"""Weights, settings, chat templates, vocabularies and words about them: nothing that is run, and
nothing that runs where it is read, as a pickle does."""
ALLOWED_NAMES = frozenset({"LICENSE", "NOTICE", "README", "USE_POLICY"})
"""Files without a suffix that may be there."""

MAX_ENTRIES = 10_000
"""Files and folders in a checkpoint; the largest models have some hundred."""
MAX_DEPTH = 16
"""Folders within each other; what removes a copy calls itself for each."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of a checkpoint folder."""

    path: str
    """Its real path."""
    size: int
    """Bytes, when it was listed."""


def list_files(root: str) -> dict[str, File]:
    """Each file below the folder `root` by its relative path, without hidden ones."""
    files: dict[str, File] = {}
    folders, entries = [""], 0
    while folders:
        prefix = folders.pop()
        with naming(prefix or ".", "cannot be listed"), os.scandir(Path(root, prefix)) as listing:
            for entry in listing:
                entries += 1
                if entries > MAX_ENTRIES:
                    raise CheckpointRejected(f"it has more than {MAX_ENTRIES} files: no checkpoint")
                name = prefix + entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if name.count("/") == MAX_DEPTH:
                        raise CheckpointRejected(
                            f"it has more than {MAX_DEPTH} folders within each other: no checkpoint"
                        )
                    folders.append(f"{name}/")
                else:
                    files[name] = _real_file(root, name)
    return files


def check_listing(present: set[str], listed: set[str]) -> None:
    """The files that are there must be those that the manifest lists, all of a kind that is taken.

    A listed name is only ever compared with those that are there, so it cannot lead elsewhere.
    """
    strange = {name for name in present | listed if not _is_allowed(name)}
    if strange:
        raise CheckpointRejected(
            f"files of a kind that is not taken, as they may carry code: {few(strange)}. Only "
            f"{', '.join(sorted(ALLOWED_SUFFIXES))} are; leave the others out, and save weights as "
            "safetensors"
        )
    if listed - present:
        raise CheckpointRejected(
            f"files of its manifest are missing: {few(listed - present)}. It is not complete yet, "
            "or was damaged"
        )
    if present - listed:
        raise CheckpointRejected(
            f"files that its manifest does not list: {few(present - listed)}. Leave them out, or "
            "write the manifest anew"
        )


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor for reading. A last part that was replaced by a link is not followed, and a
    pipe not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def check_regular(status: os.stat_result, name: str) -> None:
    """Raise CheckpointRejected for what is no regular file."""
    if not stat.S_ISREG(status.st_mode):
        kinds = {
            stat.S_IFDIR: "a folder",
            stat.S_IFIFO: "a pipe",
            stat.S_IFSOCK: "a socket",
        }
        kind = kinds.get(stat.S_IFMT(status.st_mode), "a device")
        raise CheckpointRejected(f"{name!r} is {kind} and not a regular file")


@contextmanager
def naming(name: str, problem: str) -> Iterator[None]:
    """Turn an OSError into a CheckpointRejected that names file and cause."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno or errno.EIO)
        raise CheckpointRejected(f"{name!r} {problem}: {cause}") from error


def _real_file(root: str, name: str) -> File:
    """An entry that must be a regular file, or a link to one, below `root`."""
    with naming(name, "is a link that leads nowhere"):
        real = os.path.realpath(Path(root, name), strict=True)
    if not Path(real).is_relative_to(root):
        raise CheckpointRejected(
            f"{name!r} is a link that leads out of the checkpoint folder: copy the file into it"
        )
    with naming(name, "cannot be read"):
        status = Path(real).stat()
    check_regular(status, name)
    return File(real, status.st_size)


def _is_allowed(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and (path.suffix in ALLOWED_SUFFIXES or path.name in ALLOWED_NAMES)
