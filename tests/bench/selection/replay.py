"""Plays recorded samples to the service's own selector, in virtual time.

A virtual second is a decoding step of an engine with room for all samples: each that runs gets
one token. Which sample ends first, what a cancelled one has cost and how long a selection takes
follow exactly, and are the same in each run.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from laserve.answers.equality import StringEquality
from laserve.answers.extraction import make_extractor
from laserve.answers.message import Message
from laserve.selection.ballot import Ballot
from laserve.selection.outcome import StopCause
from laserve.selection.selector import Selector
from tests.bench.selection.contestants import Contestant, PlayedSample, StartsAfter
from tests.bench.selection.recording import RecordedSample


@dataclass(frozen=True, slots=True)
class Replayed:
    """The end of one selection."""

    answer: str | None
    is_correct: bool
    """The verdict on the sample that is the choice."""
    samples: int
    """Samples that wrote at least one token."""
    tokens: int
    """Completion tokens of all of them, as `usage` counts them."""
    steps: int
    """How long it took, in decoding steps."""
    confidence: float | None
    """`selection.confidence`: the mean over the winning answer's samples."""
    highest_confidence: float | None
    """The highest among the winning answer's samples."""
    abstained: bool
    stop_cause: StopCause


async def replay(
    contestant: Contestant, recorded: Sequence[RecordedSample], *, seed: int, message_tokens: int
) -> Replayed:
    """Select one of `recorded` in this loop, a `VirtualTimeLoop`. `seed` breaks ties,
    `message_tokens` are the steps that a score takes."""
    clock = asyncio.get_running_loop().time
    sampler = ReplaySampler(
        contestant.play(recorded),
        starts_after=contestant.starts_after,
        score_steps=message_tokens if contestant.is_scored else 0,
    )
    ballot = new_ballot(contestant, seed)
    begun = clock()
    selection = await Selector(contestant.options, sampler, ballot, contestant.rules).run()
    outcome, winner = selection.outcome, selection.winner
    groups = ballot.standings()
    known = [
        vote.confidence
        for vote in (groups[0].members if groups else ())
        if vote.confidence is not None
    ]
    return Replayed(
        answer=outcome.answer,
        is_correct=winner.is_complete and winner.output.is_correct,
        samples=sum(sample.completion_tokens > 0 for sample in selection.samples),
        tokens=outcome.completion_tokens,
        steps=round(clock() - begun),
        confidence=outcome.confidence,
        highest_confidence=max(known, default=None),
        abstained=outcome.abstained,
        stop_cause=outcome.stop_cause,
    )


def new_ballot(contestant: Contestant, seed: int) -> Ballot:
    """The service's, for one selection."""
    options = contestant.options
    return Ballot(options, make_extractor(options.answer, {}), StringEquality(), seed)


@dataclass(slots=True)
class _Running:
    """A sample whose draw waits for its end."""

    end: asyncio.Future[bool]
    """Whether it came to its own end."""
    begun: float | None = None
    """None while it is held back."""
    timer: asyncio.TimerHandle | None = None


class ReplaySampler:
    """A `Sampler` of samples that were drawn before. It tells no progress, which only a token
    budget asks for.

    `starts_after(i)` is how many samples must have ended before the sample i starts, whenever it
    is asked for. A sample with a vote runs `score_steps` longer than it has tokens.
    """

    def __init__(
        self,
        samples: Sequence[PlayedSample],
        *,
        starts_after: StartsAfter = lambda index: 0,
        score_steps: int = 0,
    ) -> None:
        self._samples = samples
        self._starts_after = starts_after
        self._score_steps = score_steps
        self._running: dict[int, _Running] = {}
        self._ended = 0

    async def draw(self, index: int, on_progress: Callable[[int], None]) -> PlayedSample:
        """As `Sampler.draw`."""
        loop = asyncio.get_running_loop()
        running = self._running[index] = _Running(loop.create_future())
        self._start_those_that_may()
        try:
            whole = await running.end
        finally:
            del self._running[index]
            if running.timer is not None:
                running.timer.cancel()
        self._ended += 1
        self._start_those_that_may()
        return self._samples[index] if whole else self._part(index, running.begun)

    async def cancel(self, indices: Sequence[int]) -> None:
        """As `Sampler.cancel`."""
        for index in indices:
            if index in self._running:
                _resolve(self._running[index].end, whole=False)

    def _start_those_that_may(self) -> None:
        loop = asyncio.get_running_loop()
        for index, running in self._running.items():
            waits = running.begun is None and not running.end.done()
            if waits and self._ended >= self._starts_after(index):
                running.begun = loop.time()
                running.timer = loop.call_later(self._steps(index), _resolve, running.end, True)

    def _steps(self, index: int) -> int:
        sample = self._samples[index]
        return sample.completion_tokens + (self._score_steps if sample.is_complete else 0)

    def _part(self, index: int, begun: float | None) -> PlayedSample:
        """What there is of a cancelled sample. Its text is never looked at."""
        elapsed = 0 if begun is None else round(asyncio.get_running_loop().time() - begun)
        sample = self._samples[index]
        return replace(
            sample,
            message=Message(""),
            reward=None,
            finish_reason="abort",
            completion_tokens=min(elapsed, sample.completion_tokens),
        )


def _resolve(future: asyncio.Future[bool], whole: bool) -> None:
    if not future.done():
        future.set_result(whole)
