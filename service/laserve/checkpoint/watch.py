"""A folder in which a training run leaves checkpoints: the newest complete one is taken up."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from laserve.core.checkpoint_files import MANIFEST_NAME

logger = logging.getLogger(__name__)

POLL_S = 2.0

Version = tuple[Path, int]
"""A checkpoint's folder, and when its manifest was written (ns): written last, it completes it."""


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
    return max(found, key=lambda version: version[1], default=None)


def _if_served(folder: Path, served: Path) -> Version | None:
    newest = newest_complete(folder)
    return newest if newest is not None and newest[0].resolve() == served.resolve() else None


async def watch(folder: Path, take: Callable[[Path], bool], served: Path) -> None:
    """Call ``take`` with each checkpoint that becomes the newest, until cancelled; it returns
    whether the checkpoint was accepted, else it is asked again. ``served`` is not taken again."""
    last = await asyncio.to_thread(_if_served, folder, served)
    while True:
        newest = await asyncio.to_thread(newest_complete, folder)
        if newest is not None and newest != last and take(newest[0]):
            last = newest
        await asyncio.sleep(POLL_S)
