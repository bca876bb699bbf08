"""The ways to select, all of one form: what the service's `Selector` takes.

A contestant is told apart by its options and stop rules, by when its samples may start, and by
what it makes of the recorded samples: which weight their votes have, and which it throws away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from laserve.answers.message import Message
from laserve.selection.options import SelectionMethod, SelectionOptions
from laserve.selection.sample import Sample
from laserve.selection.stopping import StopRule, stop_rules
from tests.bench.selection.recording import RecordedSample

PlayedSample = Sample[RecordedSample]

StartsAfter = Callable[[int], int]
"""From a sample's index to how many samples must have ended before it starts."""


def as_drawn(recorded: Sequence[RecordedSample]) -> list[PlayedSample]:
    """The samples as the engine gave them."""
    return [
        Sample(
            index=index,
            message=Message(sample.text),
            reward=sample.reward,
            finish_reason=sample.finish_reason,
            completion_tokens=len(sample.token_ids),
            output=sample,
        )
        for index, sample in enumerate(recorded)
    ]


def with_score(sample: PlayedSample, score: float) -> PlayedSample:
    """The sample with another score than the self-reward, where it has one."""
    if sample.reward is None or sample.reward.score is None:
        return sample
    return replace(sample, reward=sample.reward.model_copy(update={"score": score}))


def without_vote(sample: PlayedSample, tokens: int | None = None) -> PlayedSample:
    """The sample thrown away, after so many of its tokens."""
    tokens = sample.completion_tokens if tokens is None else tokens
    return replace(sample, finish_reason="abort", completion_tokens=tokens)


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to select."""

    name: str
    """The same for all limits of samples: a curve."""
    options: SelectionOptions
    rules: tuple[StopRule, ...] = ()
    is_scored: bool = False
    """Whether the engine computes self-rewards for it, which takes some steps to a sample."""
    play: Callable[[Sequence[RecordedSample]], list[PlayedSample]] = as_drawn
    starts_after: StartsAfter = lambda index: 0


def laserve(name: str, options: SelectionOptions) -> Contestant:
    """What the service does with these options."""
    return Contestant(name, options, stop_rules(options), is_scored=options.needs_scores)


def fixed(name: str, method: SelectionMethod, n: int) -> Contestant:
    """Always N samples, all at once."""
    options = SelectionOptions(method=method, n_max=n, n_parallel=None, adaptive=False)
    return laserve(name, options)
