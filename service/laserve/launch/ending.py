"""The end of this process at once, with all that it has started.

What a signal to stop does while the server starts, as an exception out of a signal handler can be
lost in whatever it interrupts; and the last resort of a stop that takes too long. Needs nothing of
vLLM's, as it is there before vLLM is imported.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from os import _exit
from types import FrameType
from typing import NoReturn

import psutil

from laserve.processes import kill

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_last_acts: list[Callable[[], None]] = []


def at_the_end(act: Callable[[], None]) -> None:
    """Have `end_now` call this before the process is gone."""
    _last_acts.append(act)


def end_now(status: int = 0) -> NoReturn:
    """End all that this process has started, whatever it does, and this process with `status`."""
    started = psutil.Process().children(recursive=True)
    kill(process for process in started if not _cleans_up(process))
    for act in _last_acts:
        act()
    _exit(status)


def end_start_on_signals() -> None:
    """From here on, until the server answers, a signal to stop ends it at once, with status 0."""
    for number in STOP_SIGNALS:
        signal.signal(number, _end_start)


def _end_start(number: int, _: FrameType | None) -> NoReturn:
    # Not by `logging`, whose lock may be held.
    os.write(2, f"laserve: {signal.Signals(number).name}: the start is given up\n".encode())
    end_now()


def _cleans_up(process: psutil.Process) -> bool:
    """Whether it is multiprocessing's resource tracker: when the others are gone it removes the
    shared memory that they left, and ends."""
    with suppress(psutil.Error):
        return any("resource_tracker" in part for part in process.cmdline())
    return False
