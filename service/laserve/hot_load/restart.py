"""An engine that has died is replaced by another one with the same checkpoint, proven again."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from laserve.core.manifest import Manifest
from laserve.errors import CheckpointRejected
from laserve.hot_load.engines import Engines
from laserve.hot_load.in_engine import in_new_engine, new_engine
from laserve.hot_load.promises import FilesShown
from laserve.hot_load.proof import Prover
from laserve.serving.deployment import Deployment
from laserve.serving.readiness import Reason
from laserve.serving.switch import Switch

logger = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often the active engine is looked after."""
WINDOW_S = 3600.0
"""The time in which so many restarts are allowed."""
ERRORS_S = 1.0
"""How long the errors of what was under way may take to be written, before the process ends."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the server was started with, for one that loads no other checkpoints."""

    model: Path
    folder: Path | None
    """The model's files; None where it is of a hub."""
    manifest: Manifest | None
    files: FilesShown


class Restarts:
    """Replaces the active engine of a switch where it dies. `run` it in a task of its own."""

    def __init__(
        self,
        switch: Switch,
        engines: Engines,
        served: Served,
        prover: Prover,
        limit: int,
        give_up: Callable[[], NoReturn],
        observer: Callable[[str], None],
    ) -> None:
        """``limit``: how often in an hour; ``give_up`` is called at one more. ``observer`` is told
        the outcome of each: `active` or `rejected`."""
        self._switch = switch
        self._engines = engines
        self._served = served
        self._prover = prover
        self._limit = limit
        self._give_up = give_up
        self._observer = observer
        self._begun: list[float] = []

    async def run(self) -> None:
        """Look after the active engine, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._switch.has_lost_engine:
                try:
                    await self._restart()
                except Exception:
                    logger.critical("a restart met a defect of LaServe", exc_info=True)
                    self._give_up()

    async def _restart(self) -> None:
        reasons = self._switch.readiness.reasons
        reasons.add(Reason.RESTARTING)
        logger.error("the engine has died")
        async with self._switch.changing:
            lost = self._switch.active
            if lost.client.errored:  # a load that was under way has put none in its place
                lost.end()
                await self._engines.stop(lost.client)
                self._switch.activate(await self._again(lost))
                self._switch.retire(lost)
        reasons.discard(Reason.RESTARTING)
        logger.info("ready again")

    async def _again(self, lost: Deployment) -> Deployment:
        while True:
            now = time.monotonic()
            self._begun = [begun for begun in self._begun if now - begun < WINDOW_S]
            if len(self._begun) >= self._limit:
                logger.critical("%d restarts of the engine in an hour are all: ending", self._limit)
                await asyncio.sleep(ERRORS_S)
                self._give_up()
            self._begun.append(now)
            logger.info("starting it again, %d of %d", len(self._begun), self._limit)
            try:
                new = await self._start(lost)
            except CheckpointRejected as error:
                self._observer("rejected")
                logger.error("it was not started again: %s", error)
            else:
                self._observer("active")
                return new

    async def _start(self, lost: Deployment) -> Deployment:
        """The same in a new engine, proven. Raises CheckpointRejected."""
        if lost.source is not None:
            async with in_new_engine(self._engines, lost.source, lost) as new:
                await self._prover.prove(new)
                return new
        served, parameters = self._served, lost.parameters
        async with new_engine(self._engines, served.model, parameters) as client:
            if served.manifest is not None:
                await Prover.of_start(
                    client, parameters, served.manifest, served.folder, served.files
                )
            return Deployment(
                lost.version + 1, client, parameters, lost.observer, manifest=lost.manifest
            )
