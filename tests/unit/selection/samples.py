"""Samples made by hand, and a sampler that plays them back."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from laserve.answers.equality import Equality, StringEquality
from laserve.answers.extraction import make_extractor
from laserve.answers.message import Message
from laserve.core.types import Method, SelfReward, Status
from laserve.selection.ballot import Ballot
from laserve.selection.options import SelectionOptions
from laserve.selection.outcome import RiskReport
from laserve.selection.sample import Sample
from laserve.selection.selector import Selection, Selector
from laserve.selection.stopping import StopRule, stop_rules


def reward(score: float | None, confidence: float | None = None) -> SelfReward:
    return SelfReward(
        score=score,
        logprob=None if score is None else -1.0,
        confidence=confidence,
        status=Status.TRUNCATED if score is None else Status.SCORED,
        method=Method.IN_FLIGHT,
        checkpoint="tiny",
    )


def sample(
    index: int,
    text: str,
    score: float | None = 0.5,
    confidence: float | None = None,
    finish_reason: str = "stop",
    tokens: int = 10,
) -> Sample[None]:
    return Sample(
        index=index,
        message=Message(text),
        reward=reward(score, confidence),
        finish_reason=finish_reason,
        completion_tokens=tokens,
        output=None,
    )


def samples(*votes: tuple[str, float]) -> list[Sample[None]]:
    """From (answer, score) pairs."""
    return [sample(index, text, score) for index, (text, score) in enumerate(votes)]


@dataclass
class PlayedBack:
    """A sampler of samples that were made before; those in `held` end when they are cancelled."""

    samples: Sequence[Sample[None]]
    order: Sequence[int] | None = None
    """The order in which they end; None: that of their indices."""
    held: frozenset[int] = frozenset()
    started: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    def __post_init__(self) -> None:
        self._ends: dict[int, asyncio.Event] = {
            i: asyncio.Event() for i in range(len(self.samples))
        }

    async def draw(self, index: int, on_progress: Callable[[int], None]) -> Sample[None]:
        self.started.append(index)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if index in self.held:
                await self._ends[index].wait()
                return replace(self.samples[index], finish_reason="abort", completion_tokens=3)
            for _ in range(1 + (self.order or range(len(self.samples))).index(index)):
                await asyncio.sleep(0)
            return self.samples[index]
        except asyncio.CancelledError:
            self.given_up.append(index)
            raise
        finally:
            self.running -= 1

    async def cancel(self, indices: Sequence[int]) -> None:
        self.cancelled += indices
        for index in indices:
            self._ends[index].set()


async def run(
    sampler: Any,
    *,
    seed: int = 0,
    rules: Sequence[StopRule] | None = None,
    identical: bool = False,
    equality: Equality | None = None,
    risk: RiskReport | None = None,
    **options: Any,
) -> Selection[None]:
    asked = SelectionOptions(**options)
    ballot = Ballot(asked, make_extractor(asked.answer, {}), equality or StringEquality(), seed)
    return await Selector(
        asked, sampler, ballot, stop_rules(asked) if rules is None else rules, identical, risk
    ).run()


async def select(given: Sequence[Sample[None]], **options: Any) -> Selection[None]:
    """The selection among all of `given`, in any order of arrival."""
    fixed = {"n_max": len(given), "n_parallel": None, "adaptive": False}
    order = options.pop("order", None)
    return await run(PlayedBack(given, order), **{**fixed, **options})
