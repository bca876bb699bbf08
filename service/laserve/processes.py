"""Ending processes surely."""

import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

GONE_S = 5.0
"""How long the kernel may take to end a killed process."""
POLL_S = 0.02


def kill(processes: Iterable[psutil.Process]) -> None:
    """End them, whatever they do, and return when they and their memory are gone."""
    left = list(processes)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    end = time.monotonic() + GONE_S
    while not all(map(is_gone, left)) and time.monotonic() < end:
        time.sleep(POLL_S)


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended, all of its threads with it; who should take leave of it may have ended
    before it."""
    try:
        if not process.is_running():
            return True
        # Its first thread may end before others, which then still have its memory.
        is_zombie = bool(process.status() == psutil.STATUS_ZOMBIE)
        return is_zombie and bool(process.num_threads() <= 1)
    except psutil.NoSuchProcess:
        return True
