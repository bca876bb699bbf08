"""Loads under continuous load: both at a time, and what came of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.bench.hot_load.loads import Load, Mix, Target, load_all
from tests.bench.hot_load.references import References
from tests.bench.hot_load.streams import Answer, bodies, stream_all

MAX_TOKENS = 100
HEALTH_S = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked of a server."""

    loads: int
    mix: Mix
    streams: int
    pause_s: float = 1.0
    """Of undisturbed service before each load and after the last."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the clients got, and what the loads took."""

    answers: list[Answer]
    loads: list[Load]
    longest_health_check: float
    """Seconds that `/health` took to answer, at most."""


async def run(target: Target, folders: Sequence[Path], plan: Plan) -> Outcome:
    """Load the folders in turn while clients stream. Raises BenchError as `load_all` does."""
    stop = asyncio.Event()
    requests = bodies(target.model, MAX_TOKENS)
    async with asyncio.TaskGroup() as group:
        answers = group.create_task(stream_all(target.url, requests, plan.streams, stop))
        longest = group.create_task(_watch_health(target.url, stop))
        try:
            loads = await load_all(target, folders, plan.mix, plan.loads, plan.pause_s)
            await asyncio.sleep(plan.pause_s)
        finally:
            stop.set()
    return Outcome(answers.result(), loads, longest.result())


async def _watch_health(url: str, stop: asyncio.Event) -> float:
    """The longest that a health check took. Raises aiohttp.ClientError where one fails."""
    longest = 0.0
    async with aiohttp.ClientSession(base_url=url, raise_for_status=True) as session:
        while not stop.is_set():
            began = time.monotonic()
            async with session.get("/health"):
                longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(HEALTH_S)
    return longest


def defects(outcome: Outcome, references: References) -> list[str]:
    """Every answer that failed, and every one that is not of the checkpoint that it names."""
    found = [
        f"{load.job['id']} was {load.job['state']}: {load.job['reason']}"
        for load in outcome.loads
        if load.job["state"] != "active"
    ]
    references.compute(
        (answer.reward["checkpoint"], answer.tokens)
        for answer in outcome.answers
        if answer.reward is not None and answer.reward["status"] == "scored"
    )
    found += [
        defect for answer in outcome.answers if (defect := _defect(answer, references)) is not None
    ]
    return found


def _defect(answer: Answer, references: References) -> str | None:
    if answer.failure is not None:
        return answer.failure
    reward = answer.reward
    if reward is None:
        return "an answer has no self-reward"
    if reward["checkpoint"] != answer.header:
        return f"an answer of {reward['checkpoint']} has the header of {answer.header}"
    if reward["status"] == "truncated":
        return None
    if reward["status"] != "scored":
        return f"an answer is not scored: {reward['status']}"
    return references.defect(reward, answer.tokens)
