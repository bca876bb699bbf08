"""The queue of loads: one at a time, in the order in which they were asked for."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from laserve.errors import CheckpointRejected, LaServeError
from laserve.hot_load.jobs import Job, LoadObserver, Strategy

logger = logging.getLogger(__name__)

MAX_QUEUED = 8
"""Loads that may wait; a checkpoint that waits behind so many is out of date."""

HISTORY = 100
"""Jobs that are remembered."""


class QueueFullError(LaServeError):
    """More loads wait than are remembered to any use."""


class JobQueue:
    """Orders jobs, and remembers what became of them."""

    def __init__(self, observer: LoadObserver) -> None:
        self._observer = observer
        self._waiting: asyncio.Queue[Job] = asyncio.Queue(MAX_QUEUED)
        self._jobs: deque[Job] = deque(maxlen=HISTORY)
        self._numbers = count(1)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The newest first."""
        return tuple(reversed(self._jobs))

    def submit(
        self, path: Path, strategy: Strategy, origin: str, *, force: bool, asked_by: str | None
    ) -> Job:
        """Queue a load; returns at once. Raises QueueFullError."""
        if self._waiting.full():
            raise QueueFullError(
                f"{MAX_QUEUED} checkpoints are waiting to be loaded: ask again later"
            )
        job = Job(
            id=f"load-{next(self._numbers)}",
            # A name that is not UTF-8 cannot be shown; escaped it leads nowhere, and is rejected.
            path=str(path).encode(errors="backslashreplace").decode(),
            strategy=strategy,
            force=force,
            origin=origin,
            asked_by=asked_by,
            created_at=datetime.now(UTC),
        )
        self._waiting.put_nowait(job)
        self._jobs.append(job)
        job.report_to(self._observer)
        return job

    async def run(self, take_up: Callable[[Job], Awaitable[None]]) -> None:
        """Take up one job after the other, each to its end, until cancelled.

        What `take_up` raises rejects its job: a CheckpointRejected says why, all else is a defect
        of LaServe, and logged.
        """
        while True:
            job = await self._waiting.get()
            task = asyncio.ensure_future(take_up(job))
            try:
                await asyncio.wait([task])
            finally:
                if not task.done():  # the server is being stopped
                    task.cancel()
                    await asyncio.wait([task])
                    job.reject("the server was stopped")
            if task.cancelled():  # from inside: this task goes on to the next one
                job.reject("its load was cancelled")
            elif error := task.exception():
                if not isinstance(error, CheckpointRejected):
                    logger.error("%s met a defect of LaServe", job.id, exc_info=error)
                job.reject(str(error) or type(error).__name__)
