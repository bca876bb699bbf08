"""The checkpoints of a running server: what is active, what came before, and loads under way."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from laserve.checkpoint.jobs import Drain, Job, JobQueue, Observer, QueueFullError, State
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint, Staging
from laserve.checkpoint.verify import verify
from laserve.checkpoint.watch import watch
from laserve.errors import LaServeError
from laserve.hot_load.load import HotLoader, Strategy
from laserve.serving.deployment import Deployment, Source
from laserve.serving.switch import Switch


class NoPredecessorError(LaServeError):
    """Nothing was active before what is active now."""


class Checkpoints:
    """Takes checkpoints up, one after the other. `run` it in a task of its own."""

    def __init__(
        self,
        switch: Switch,
        loader: HotLoader,
        staging: Staging,
        served: ServedCheckpoint,
        roots: Sequence[Path],
        observer: Observer,
    ) -> None:
        self._switch = switch
        self._loader = loader
        self._staging = staging
        self._served = served
        self._roots = roots
        self._queue = JobQueue(self._process, observer)
        assert switch.active.source is not None
        self._now = switch.active.source
        self._before: Source | None = None
        self._stopped = threading.Event()

    @property
    def active(self) -> Deployment:
        """What answers the next request."""
        return self._switch.active

    @property
    def can_roll_back(self) -> bool:
        """Whether something was active before."""
        return self._before is not None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Loads, the newest first."""
        return self._queue.jobs

    def load(self, path: str | Path, strategy: Strategy, origin: str = "request") -> Job:
        """Queue a checkpoint folder. Raises QueueFullError."""
        return self._queue.submit(path=Path(path), strategy=strategy.value, origin=origin)

    def roll_back(self) -> Job:
        """Queue a return to what was active before; a second one returns from there.

        Raises NoPredecessorError or QueueFullError.
        """
        if self._before is None:
            raise NoPredecessorError(
                f"nothing was active before {self.active.parameters.checkpoint}: there is nothing "
                "to roll back to"
            )
        return self._queue.submit(path=None, strategy=Strategy.AUTO.value, origin="rollback")

    async def run(self, watched: Path | None) -> None:
        """Process loads, and take what appears in a watched folder, until cancelled. Removes every
        copy at its end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._queue.run())
                if watched is not None:
                    group.create_task(watch(watched, self._take, self._now.weights.source))
        finally:
            self._stopped.set()
            self._staging.close()

    def _take(self, folder: Path) -> bool:
        try:
            self.load(folder, Strategy.AUTO, origin="watch")
        except QueueFullError:
            return False
        return True

    async def _process(self, job: Job, enter: Callable[[State], None]) -> Drain:
        """One job, as `JobQueue` asks for it."""
        enter(State.VERIFYING)
        source, staged = await self._source(job)
        job.checkpoint = source.checkpoint.name
        try:
            enter(State.LOADING)
            drain = await self._loader.load(
                source, Strategy(job.strategy), lambda: enter(State.PROVING)
            )
        except BaseException:
            if staged is not None:
                self._staging.remove(staged)
            raise
        job.version = self.active.version
        unused = self._succeed(source)

        async def end() -> None:
            await drain()
            for checkpoint in unused:
                self._staging.remove(checkpoint)

        return end

    async def _source(self, job: Job) -> tuple[Source, StagedCheckpoint | None]:
        """What a job loads, and what was staged for it alone. Raises CheckpointRejected."""
        if job.path is None:
            assert self._before is not None
            return self._before, None
        stage = partial(
            self._staging.stage, Path(job.path), self._roots, cancelled=self._stopped.is_set
        )
        staged = await asyncio.to_thread(stage)
        try:
            await asyncio.to_thread(verify, staged, self._served)
        except BaseException:
            self._staging.remove(staged)
            raise
        if not staged.is_adapter:
            return Source(staged), staged
        assert self.active.source is not None
        return Source(self.active.source.weights, staged), staged

    def _succeed(self, source: Source) -> list[StagedCheckpoint]:
        """Note what was active before; returns what nobody can go back to any more."""
        forgotten = () if self._before is None else self._before.parts
        self._before, self._now = self._now, source
        kept = {part.path for part in (*self._before.parts, *self._now.parts)}
        return [part for part in forgotten if part.path not in kept]
