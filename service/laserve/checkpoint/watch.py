"""A folder in which a training run leaves checkpoints: the newest complete one is taken up."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from laserve.core.checkpoint_files import MANIFEST_NAME

logger = logging.getLogger(__name__)

POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class Version:
    """A checkpoint folder in one condition."""

    folder: Path
    described_ns: int
    """When its manifest was written, which LaServe writes last."""
    files: frozenset[tuple[str, int, int]]
    """Relative path, size and time of writing (ns) of each file: they tell that a folder is still
    being copied, where the manifest may come before the weights."""


def newest_complete(folder: Path) -> Version | None:
    """The newest checkpoint among the subfolders of ``folder``. Hidden ones are left alone (they
    are being written), and so is what has no manifest yet."""
    found = []
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        logger.warning("%s cannot be listed: %s", folder, error.strerror)
        return None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            found.append((entry, (entry / MANIFEST_NAME).stat().st_mtime_ns))
        except OSError:
            continue
    newest = max(found, key=lambda one: one[1], default=None)
    return None if newest is None else Version(*newest, _files(newest[0]))


def _files(folder: Path) -> frozenset[tuple[str, int, int]]:
    files = []
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path, name)
            try:
                status = file.stat()
            except OSError:  # a link that leads nowhere, or a file that is gone by now
                continue
            files.append((str(file.relative_to(folder)), status.st_size, status.st_mtime_ns))
    return frozenset(files)


def _if_served(folder: Path, served: Path) -> Version | None:
    newest = newest_complete(folder)
    return newest if newest is not None and newest.folder.resolve() == served.resolve() else None


async def watch(folder: Path, take: Callable[[Path], bool], served: Path) -> None:
    """Call ``take`` with each checkpoint that becomes the newest and has not changed from one look
    to the next, until cancelled; it returns whether the checkpoint was accepted, else it is asked
    again. ``served`` is not taken again."""
    last = before = await asyncio.to_thread(_if_served, folder, served)
    while True:
        newest = await asyncio.to_thread(newest_complete, folder)
        if newest is not None and newest == before != last and take(newest.folder):
            last = newest
        before = newest
        await asyncio.sleep(POLL_S)
