"""Loads of checkpoints, one after the other, and what each of them took."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.errors import BenchError
from tests.bench.hot_load.memory import engines, folder_bytes, resident_bytes

LOAD_LIMIT_S = 600.0
POLL_S = 0.1


class Mix(StrEnum):
    """How the checkpoints are loaded."""

    IN_PLACE = "in_place"
    SIDE_BY_SIDE = "side_by_side"
    MIXED = "mixed"
    """Every tenth one side by side, the others in place."""

    def strategy(self, number: int) -> str:
        """Of the load with this number, from 0."""
        if self == Mix.MIXED:
            return "side_by_side" if number % 10 == 5 else "in_place"
        return self.value


@dataclass(frozen=True, slots=True)
class Target:
    """A running server, as far as loads go."""

    url: str
    model: str
    pid: int
    staging: Path
    """Where its copies are."""


@dataclass(frozen=True, slots=True)
class Load:
    """One load that has ended; seconds of `time.monotonic`."""

    strategy: str
    began: float
    drained: float
    """When the last request of the checkpoint before had ended, and its engine where it had one."""
    job: dict[str, Any]
    resident_bytes: int
    """Of all of the server's processes, after that."""
    staged_bytes: int


async def load_all(
    target: Target, folders: Sequence[Path], mix: Mix, count: int, pause_s: float
) -> list[Load]:
    """Load the folders in turn, `count` times in all; `pause_s` of undisturbed service before each.

    Raises BenchError where a load does not end.
    """
    loads = []
    async with aiohttp.ClientSession(base_url=target.url) as session:
        for number in range(count):
            await asyncio.sleep(pause_s)
            body = {
                "path": str(folders[number % len(folders)]),
                "strategy": mix.strategy(number),
            }
            began = time.monotonic()
            async with session.post("/v1/checkpoints", json=body) as response:
                if response.status != 202:
                    raise BenchError(f"a load was refused: {await response.text()}")
                place = response.headers["location"]
            job = await _ended(session, place, began)
            await _drained(session, target.pid, began)
            loads.append(
                Load(
                    body["strategy"],
                    began,
                    time.monotonic(),
                    job,
                    resident_bytes(target.pid),
                    folder_bytes(target.staging),
                )
            )
    return loads


async def _ended(session: aiohttp.ClientSession, place: str, began: float) -> dict[str, Any]:
    while time.monotonic() < began + LOAD_LIMIT_S:
        async with session.get(place) as response:
            job: dict[str, Any] = await response.json()
        if job["state"] in ("active", "rejected"):
            return job
        await asyncio.sleep(POLL_S)
    raise BenchError(f"a load has not ended after {LOAD_LIMIT_S} s: {job}")


async def _drained(session: aiohttp.ClientSession, pid: int, began: float) -> None:
    """Return when a single checkpoint is served, none drains, and one engine is left."""
    while time.monotonic() < began + LOAD_LIMIT_S:
        async with session.get("/metrics") as response:
            metrics = await response.text()
        served = metrics.count("\nlaserve_checkpoint_requests_in_flight{")
        if served == 1 and len(engines(pid)) == 1:
            return
        await asyncio.sleep(POLL_S)
    raise BenchError(f"the checkpoint before has not ended after {LOAD_LIMIT_S} s")
