"""Draws samples until the answer is decided. Read this first.

    sampler -> Sample -> ballot (answer, group) -> standings -> stop rules -> one more, or the end

The sampler is the seam: the server's draws from its engine, and so does the offline one; the
benchmark's replays recorded samples.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from laserve.core.types import Status
from laserve.selection.ballot import Ballot
from laserve.selection.fallback import applied
from laserve.selection.options import SelectionOptions
from laserve.selection.outcome import (
    AnswerVotes,
    CandidateReport,
    CandidateToolCall,
    Decision,
    RiskReport,
    SelectionOutcome,
    SelectionProgress,
    StopCause,
    Unvoted,
)
from laserve.selection.sample import Sample
from laserve.selection.stopping import StopRule
from laserve.selection.voting import Group, without_votes

Output = TypeVar("Output")


class Sampler(Protocol[Output]):
    """Draws the samples of one request."""

    async def draw(self, index: int, on_progress: Callable[[int], None]) -> Sample[Output]:
        """The sample of this number, when it has ended. `on_progress` is told its completion
        tokens so far, where a token budget asks for that. Cancelled, it gives the sample up."""

    async def cancel(self, indices: Sequence[int]) -> None:
        """End running samples at once: their `draw` returns what there is of them."""


@dataclass(frozen=True, slots=True)
class Selection(Generic[Output]):
    """The end of a selection."""

    winner: Sample[Output]
    samples: tuple[Sample[Output], ...]
    """All that were started, in order."""
    outcome: SelectionOutcome


@dataclass(slots=True)
class Selector(Generic[Output]):
    """One request's selection; `run` it once."""

    options: SelectionOptions
    sampler: Sampler[Output]
    ballot: Ballot
    rules: Sequence[StopRule]
    identical: bool = False
    """Whether every sample would be the same: then one is drawn."""
    risk: RiskReport | None = None
    """The bound that is to hold. It is that of samples that are counted one after the other in the
    order in which they were started, so that how long each takes has no part in it."""
    on_ended: Callable[[SelectionProgress], None] | None = None
    """Told of each sample that ends before the selection does."""
    _ended: dict[int, Sample[Output]] = field(default_factory=dict)
    _running: dict[asyncio.Task[Sample[Output]], int] = field(default_factory=dict)
    _tokens: dict[int, int] = field(default_factory=dict)
    _budget_met: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> Selection[Output]:
        """Draw, stop, choose. What the sampler raises ends all samples, and is raised.

        Raises RequestError where a JSON path was asked for and every sample is JSON without it.
        """
        try:
            cause = await self._draw_until_decided()
            cancelled = await self._cancel_running()
            return self._selection(cause, cancelled)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _draw_until_decided(self) -> StopCause:
        clock = asyncio.get_running_loop().time
        seconds = self.options.timeout_s
        deadline = math.inf if seconds is None else clock() + seconds
        budget = asyncio.create_task(self._budget_met.wait())
        try:
            while (cause := self._stop_cause()) is None:
                self._start_more()
                await asyncio.wait(
                    [*self._awaited(), budget],
                    timeout=None if seconds is None else max(deadline - clock(), 0.0),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                await self._take_ended(deadline)
                if clock() >= deadline and self._stop_cause() is None:
                    return StopCause.TIMEOUT
            return cause
        finally:
            budget.cancel()

    def _stop_cause(self) -> StopCause | None:
        to_come = self._most - len(self._ended)
        if to_come == 0:
            return StopCause.N_MAX if self._most == self.options.n_max else StopCause.DETERMINISTIC
        if self._budget_met.is_set():
            return StopCause.MAX_TOTAL_TOKENS
        groups = self.ballot.standings()
        return next((cause for rule in self.rules if (cause := rule(groups, to_come))), None)

    @property
    def _most(self) -> int:
        """Samples to be drawn, unless it is decided before."""
        return 1 if self.identical else self.options.n_max

    def _start_more(self) -> None:
        started = len(self._ended) + len(self._running)
        free = self.options.parallel - len(self._running)
        for index in range(started, min(started + free, self._most)):
            self._running[asyncio.create_task(self._draw(index))] = index

    async def _draw(self, index: int) -> Sample[Output]:
        sample = await self.sampler.draw(index, lambda tokens: self._count(index, tokens))
        self._count(index, sample.completion_tokens)
        return sample

    def _count(self, index: int, tokens: int) -> None:
        self._tokens[index] = tokens
        limit = self.options.max_total_tokens
        if limit is not None and sum(self._tokens.values()) >= limit:
            self._budget_met.set()

    async def _take_ended(self, deadline: float) -> None:
        """Count the votes of the samples that have ended; keys of their answers are waited for
        until the deadline.

        Those of one step of the engine end one shortly after the other: who ends while a vote is
        counted is counted with it, before anything is decided.
        """
        while ended := [task for task in self._awaited() if task.done()]:
            for task in sorted(ended, key=self._running.__getitem__):
                sample = task.result()
                self._ended[self._running.pop(task)] = sample
                await self.ballot.add(sample, deadline - asyncio.get_running_loop().time())
                if self.on_ended is not None:
                    self.on_ended(self._progress(sample))
            if self.risk is not None:
                return

    def _awaited(self) -> Sequence[asyncio.Task[Sample[Output]]]:
        """The running samples whose votes can be counted next."""
        running = list(self._running)  # in the order of their start
        return running if self.risk is None else running[:1]

    async def _cancel_running(self) -> set[int]:
        """End what still runs, whose votes come too late."""
        running = dict(self._running)
        if running:
            await self.sampler.cancel(list(running.values()))
            for task, index in running.items():
                self._ended[index] = await task
                del self._running[task]
        return set(running.values())

    def _progress(self, sample: Sample[Output]) -> SelectionProgress:
        _, groups = applied(self.options.method, self.ballot.standings())
        return SelectionProgress(
            candidate=self._report(sample, groups),
            votes=[_votes(group) for group in groups],
            confidence=groups[0].confidence if groups else None,
            samples_ended=len(self._ended),
            samples_running=len(self._running),
            completion_tokens=sum(one.completion_tokens for one in self._ended.values()),
        )

    def _selection(self, cause: StopCause, cancelled: set[int]) -> Selection[Output]:
        method, groups = applied(self.options.method, self.ballot.standings())
        if not groups:
            self.ballot.refuse_path_without_match(self._ended.values())
        samples = [self._ended[index] for index in sorted(self._ended)]
        winner = groups[0].best if groups else None
        abstained = not groups or not self._is_vouched_for(groups[0])
        chosen = without_votes(samples) if winner is None else self._ended[winner.index]
        counted = [sample for sample in samples if sample.index not in cancelled]
        truncated = sum(not sample.is_complete for sample in counted)
        voted = sum(group.count for group in groups)
        outcome = SelectionOutcome(
            method=self.options.method,
            applied_method=method,
            answer=None if winner is None else winner.answer,
            confidence=groups[0].confidence if groups else None,
            score=groups[0].score if groups else None,
            abstained=abstained,
            decision=Decision.ABSTAINED if abstained else Decision.ANSWERED,
            risk=self.risk,
            selected_index=chosen.index,
            votes=[_votes(group) for group in groups],
            samples_used=len(samples),
            unvoted=Unvoted(
                truncated=truncated,
                no_answer=len(counted) - truncated - voted,
                cancelled=len(cancelled),
            ),
            unscored=self._unscored(groups),
            completion_tokens=sum(sample.completion_tokens for sample in samples),
            stop_cause=cause,
            equality_timeouts=self.ballot.equality_timeouts,
            candidates=[self._report(sample, groups) for sample in samples]
            if self.options.return_candidates
            else None,
        )
        return Selection(chosen, tuple(samples), outcome)

    def _is_vouched_for(self, leader: Group) -> bool:
        least = self.options.min_confidence
        if least is not None and (leader.confidence is None or leader.confidence < least):
            return False
        return self.risk is None or (
            leader.score is not None and leader.score >= self.risk.min_score
        )

    def _unscored(self, groups: Sequence[Group]) -> dict[Status, int]:
        """Of samples that were to be scored; none is where the request wanted no scores."""
        rewards = [self._ended[vote.index].reward for group in groups for vote in group.members]
        return dict(Counter(reward.status for reward in rewards if reward and reward.score is None))

    def _report(self, sample: Sample[Output], groups: Sequence[Group]) -> CandidateReport:
        places = {vote.index: place for place, group in enumerate(groups) for vote in group.members}
        return CandidateReport(
            index=sample.index,
            text=sample.message.text,
            tool_calls=[
                CandidateToolCall(name=call.name, arguments=call.arguments)
                for call in sample.message.tool_calls
            ],
            answer=self.ballot.answers.get(sample.index),
            vote=places.get(sample.index),
            finish_reason=sample.finish_reason,
            completion_tokens=sample.completion_tokens,
            self_reward=sample.reward,
        )


def _votes(group: Group) -> AnswerVotes:
    weight = group.weight
    return AnswerVotes(
        answer=group.best.answer,
        count=group.count,
        weight=weight if math.isfinite(weight) else None,
    )
