"""Takes checkpoints up while another one serves, and never serves weights that it has not proven.

Read `HotLoader.take_up`: stage, verify, load, prove, activate, drain.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from laserve.checkpoint.roots import locate
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint, Staging
from laserve.checkpoint.verify import verify
from laserve.checkpoint.watch import watch
from laserve.hot_load.checkpoints import ActiveCheckpoint, NoPredecessorError
from laserve.hot_load.engines import Engines
from laserve.hot_load.jobs import Job, LoadObserver, State, Strategy
from laserve.hot_load.proof import Prover
from laserve.hot_load.queue import JobQueue, QueueFullError
from laserve.hot_load.strategies import Strategies
from laserve.serving.deployment import Deployment, Source
from laserve.serving.switch import Switch

ROLLBACK = "rollback"
"""The origin of a load of what was active before."""


class HotLoader:
    """Changes what a switch serves, one load after the other. `run` it in a task of its own."""

    def __init__(
        self,
        switch: Switch,
        engines: Engines,
        staging: Staging,
        served: ServedCheckpoint,
        roots: Sequence[Path],
        observer: LoadObserver,
        prover: Prover,
    ) -> None:
        self._switch = switch
        self._strategies = Strategies(switch, engines, prover)
        self._prover = prover
        self._staging = staging
        self._served = served
        self._roots = roots
        self._queue = JobQueue(observer)
        self._before: Source | None = None

    @property
    def active(self) -> ActiveCheckpoint:
        """What answers the next request."""
        active = self._switch.active
        return ActiveCheckpoint(
            checkpoint=active.parameters.checkpoint,
            version=active.version,
            weights=active.parameters.weights,
            path=str(self._now.checkpoint.source),
            requests_in_flight=active.requests.value,
            can_roll_back=self._before is not None,
        )

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Loads, the newest first."""
        return self._queue.jobs

    def locate(self, named: Path) -> Path:
        """The folder that is named, of which a relative path counts from the roots. Raises
        CheckpointRejected where it is none, or is not allowed. Blocks."""
        return locate(named, self._roots)

    def load(
        self,
        path: Path,
        strategy: Strategy,
        *,
        force: bool = False,
        origin: str = "request",
        asked_by: str | None = None,
    ) -> Job:
        """Queue a checkpoint folder. ``force``: as `Strategies.loaded`. Raises QueueFullError."""
        return self._queue.submit(path, strategy, origin, force=force, asked_by=asked_by)

    def roll_back(self, *, force: bool = False, asked_by: str | None = None) -> Job:
        """Queue a return to what was active before; a second one returns from there.

        Raises NoPredecessorError or QueueFullError.
        """
        if self._before is None:
            raise NoPredecessorError(
                f"nothing was active before {self.active.checkpoint}: there is nothing to roll "
                "back to"
            )
        before = self._before.checkpoint.source
        return self._queue.submit(before, Strategy.AUTO, ROLLBACK, force=force, asked_by=asked_by)

    async def run(self, watched: Path | None) -> None:
        """Take up what is asked for, and what appears in a watched folder, until cancelled.
        Removes every copy at its end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._queue.run(self.take_up))
                if watched is not None:
                    group.create_task(watch(watched, self._take, self._now.weights.source))
        finally:
            self._staging.close()

    async def take_up(self, job: Job) -> None:
        """Make a job's checkpoint the active one, and wait for the end of the one before.

        Raises CheckpointRejected, with what was active before still active, and no copy of the
        other left.
        """
        with ExitStack() as undo:
            job.enter(State.VERIFYING)
            if job.origin == ROLLBACK:
                assert self._before is not None
                source = self._before
                job.path = str(source.checkpoint.source)  # not that of when it was asked for
            else:
                assert job.path is not None
                staged = await asyncio.to_thread(
                    self._staging.stage,
                    Path(job.path),
                    self._roots,
                    self._served.contents.tensors,
                )
                undo.callback(self._staging.remove, staged)
                await asyncio.to_thread(verify, staged, self._served, self._staging.go_on)
                source = Source(self._now.weights, staged) if staged.is_adapter else Source(staged)
            job.checkpoint, job.weights = source.checkpoint.name, source.weights_hash

            job.enter(State.LOADING)
            async with (
                self._switch.changing,
                self._strategies.loaded(source, job.strategy, force=job.force) as new,
            ):
                job.enter(State.PROVING)
                job.proof = await self._prover.prove(new)
                previous = self._switch.activate(new)
            undo.pop_all()

        job.version = new.version
        unused = self._keep(previous)
        job.enter(State.ACTIVE)
        await self._strategies.end(previous)
        for checkpoint in unused:
            self._staging.remove(checkpoint)

    @property
    def _now(self) -> Source:
        source = self._switch.active.source
        assert source is not None
        return source

    def _keep(self, previous: Deployment) -> list[StagedCheckpoint]:
        """Note what can be gone back to; returns the copies that no longer can."""
        dropped, self._before = self._before, previous.source
        assert self._before is not None
        kept = {part.path for part in (*self._before.parts, *self._now.parts)}
        return [] if dropped is None else [part for part in dropped.parts if part.path not in kept]

    def _take(self, folder: Path) -> bool:
        try:
            self.load(folder, Strategy.AUTO, origin="watch")
        except QueueFullError:
            return False
        return True
