"""The queue of checkpoints to take up, one at a time, and what became of each.

    queued -> verifying -> loading -> proving -> active
                 `-----------`----------`------> rejected (reason)

Whatever was active before a job that is rejected still is.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from laserve.errors import CheckpointRejected, LaServeError

logger = logging.getLogger(__name__)

MAX_QUEUED = 8
"""Loads that may wait; a checkpoint that waits behind so many is out of date."""

HISTORY = 100
"""Jobs that are remembered."""


class State(StrEnum):
    """How far a load has got."""

    QUEUED = "queued"
    VERIFYING = "verifying"
    """Copied, hashed and checked on disk."""
    LOADING = "loading"
    PROVING = "proving"
    """Its golden probes are replayed."""
    ACTIVE = "active"
    """It answers requests, or did: a later job took its place."""
    REJECTED = "rejected"
    """It was not taken up; what was served before still is."""


ENDED = frozenset({State.ACTIVE, State.REJECTED})


class Job(BaseModel):
    """One load, as `GET /v1/checkpoints` shows it."""

    model_config = ConfigDict(extra="forbid")

    id: str
    path: str | None = Field(description="The folder that was named; null for a rollback.")
    strategy: str = Field(description="As asked for: auto, side_by_side, in_place.")
    origin: str = Field(description="request, watch, or rollback.")
    state: State = State.QUEUED
    checkpoint: str | None = Field(
        default=None, description="Its name; null until its manifest has been read."
    )
    version: int | None = Field(default=None, description="Counts what was made active.")
    reason: str | None = Field(default=None, description="Why it was rejected.")
    created_at: datetime
    ended_at: datetime | None = None
    seconds: dict[State, float] = Field(
        default_factory=dict, description="How long each phase took, in seconds."
    )

    _since: float = PrivateAttr(default_factory=time.monotonic)

    def enter(self, state: State) -> float:
        """Go on to a state; returns the seconds spent in the one before."""
        now = time.monotonic()
        spent, self._since = now - self._since, now
        self.seconds[self.state] = spent
        self.state = state
        if self.has_ended:
            self.ended_at = datetime.now(UTC)
        return spent

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED


class QueueFullError(LaServeError):
    """More loads wait than are remembered to any use."""


class Observer(Protocol):
    """Told every step."""

    def entered(self, job: Job) -> None:
        """A job has a new state."""

    def left(self, job: Job, state: State, seconds: float) -> None:
        """A job was in a state for so long."""


Drain = Callable[[], Awaitable[None]]
Process = Callable[[Job, Callable[[State], None]], Awaitable[Drain]]
"""Takes one job's checkpoint up, telling its state on the way. Returns what ends the one before,
which the next job waits for. Raises CheckpointRejected."""


class JobQueue:
    """Runs jobs in the order in which they were submitted. `run` it in a task of its own."""

    def __init__(self, process: Process, observer: Observer) -> None:
        self._process = process
        self._observer = observer
        self._waiting: asyncio.Queue[Job] = asyncio.Queue(MAX_QUEUED)
        self._jobs: deque[Job] = deque(maxlen=HISTORY)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The newest first."""
        return tuple(reversed(self._jobs))

    def submit(self, *, path: Path | None, strategy: str, origin: str) -> Job:
        """Queue a load; returns at once. Raises QueueFullError."""
        number = int(self._jobs[-1].id.partition("-")[2]) + 1 if self._jobs else 1
        job = Job(
            id=f"load-{number}",
            # A name that is not UTF-8 cannot be shown; escaped it leads nowhere, and is rejected.
            path=None if path is None else str(path).encode(errors="backslashreplace").decode(),
            strategy=strategy,
            origin=origin,
            created_at=datetime.now(UTC),
        )
        try:
            self._waiting.put_nowait(job)
        except asyncio.QueueFull as error:
            raise QueueFullError(
                f"{MAX_QUEUED} checkpoints are waiting to be loaded: ask again later"
            ) from error
        self._jobs.append(job)
        self._observer.entered(job)
        return job

    async def run(self) -> None:
        """Process jobs until it is cancelled."""
        while True:
            job = await self._waiting.get()
            task = asyncio.create_task(self._run(job))
            try:
                await asyncio.wait([task])
            finally:
                if not task.done():  # the server is being stopped
                    task.cancel()
                    await asyncio.wait([task])
                    self._reject(job, "the server was stopped")
            if task.cancelled():  # from inside: this task goes on to the next one
                self._reject(job, "its load was cancelled")
            elif error := task.exception():
                if not isinstance(error, CheckpointRejected):
                    logger.error("%s met a defect of LaServe", job.id, exc_info=error)
                self._reject(job, str(error) or type(error).__name__)

    async def _run(self, job: Job) -> None:
        drain = await self._process(job, lambda state: self._enter(job, state))
        self._enter(job, State.ACTIVE)
        await drain()

    def _reject(self, job: Job, reason: str) -> None:
        if job.has_ended:
            return
        job.reason = reason
        self._enter(job, State.REJECTED)

    def _enter(self, job: Job, state: State) -> None:
        left = job.state
        self._observer.left(job, left, job.enter(state))
        self._observer.entered(job)
