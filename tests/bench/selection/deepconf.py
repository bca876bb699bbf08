"""DeepConf (arXiv 2508.15260): samples filtered and votes weighed by the model's own confidence.

A token's confidence is minus the mean log-probability of the TOP_K most probable tokens at its
place. Rules and constants are those of the authors' scripts, but for two that short answers ask
for: GROUP_TOKENS (there 2048, longer than any answer here) and WARM_UP (there 16 of 256).

Weights are divided by the largest of the selection, which changes no vote: a ballot clips them
to [0, 1].
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from laserve.selection.options import SelectionMethod, SelectionOptions
from laserve.selection.outcome import StopCause
from laserve.selection.stopping import StopRule
from laserve.selection.voting import Group
from tests.bench.selection.contestants import (
    Contestant,
    PlayedSample,
    as_drawn,
    with_score,
    without_vote,
)
from tests.bench.selection.recording import RecordedSample

TOP_K = 20
TAIL_TOKENS = 2048
GROUP_TOKENS = 6
"""One step of a chain, such as `6+6=2;`."""
WARM_UP = 4
CONSENSUS = 0.95

Play = Callable[[Sequence[RecordedSample]], list[PlayedSample]]


def token_confidence(logprobs: Iterable[float]) -> float:
    """From the log-probabilities at one place, at least the TOP_K highest; nats."""
    return -float(np.mean(sorted(logprobs, reverse=True)[:TOP_K]))


def offline(share: float, n: int) -> Contestant:
    """Draw N, keep this share of them by the confidence of their tail, let those vote."""
    return Contestant(f"DeepConf offline, top {share:.0%}", _vote(n), play=keep_best(share))


def online(share: float, n: int) -> Contestant:
    """Warm up with WARM_UP samples, then stop each at the token where the confidence of the last
    GROUP_TOKENS falls below what `share` of the warm-up kept to. Those that did all the time vote,
    and end it when they give one answer CONSENSUS of the weight."""
    return Contestant(
        f"DeepConf online, top {share:.0%}",
        _vote(n),
        (consensus(CONSENSUS, n),),
        play=stop_below(share),
        starts_after=lambda index: 0 if index < WARM_UP else WARM_UP,
    )


def keep_best(share: float) -> Play:
    """Throws away what has a tail confidence under the percentile that `share` lie above."""

    def play(recorded: Sequence[RecordedSample]) -> list[PlayedSample]:
        tails = [float(np.mean(sample.confidences[-TAIL_TOKENS:])) for sample in recorded]
        bar = np.percentile(tails, 100 * (1 - share))
        return [
            with_score(sample, tail / max(tails)) if tail >= bar else without_vote(sample)
            for sample, tail in zip(as_drawn(recorded), tails, strict=True)
        ]

    return play


def stop_below(share: float) -> Play:
    """Throws away what falls under the warm-up's percentile, later samples at that very token."""

    def play(recorded: Sequence[RecordedSample]) -> list[PlayedSample]:
        groups = [group_confidences(sample.confidences) for sample in recorded]
        lowest = [float(group.min()) for group in groups]
        bar = np.percentile(lowest[:WARM_UP], 100 * (1 - share))
        played = []
        for sample, group, low in zip(as_drawn(recorded), groups, lowest, strict=True):
            if low >= bar:
                played.append(with_score(sample, low / max(lowest)))
            elif sample.index < WARM_UP or sample.completion_tokens < GROUP_TOKENS:
                played.append(without_vote(sample))
            else:
                first = int(np.argmax(group < bar))
                played.append(without_vote(sample, tokens=GROUP_TOKENS + first))
        return played

    return play


def group_confidences(confidences: Sequence[float]) -> NDArray[np.float64]:
    """Mean of each GROUP_TOKENS successive tokens, or of all where there are fewer."""
    values = np.asarray(confidences, dtype=np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(values, min(GROUP_TOKENS, len(values)))
    means: NDArray[np.float64] = windows.mean(axis=1)
    return means


def consensus(share: float, n: int) -> StopRule:
    """Stop after the warm-up, once the leader has this share of the weight."""

    def rule(groups: Sequence[Group], to_come: int) -> StopCause | None:
        if not groups or n - to_come < WARM_UP:
            return None
        total = sum(group.weight for group in groups)
        # The service has no such rule: a posterior's cause comes nearest.
        return StopCause.POSTERIOR if groups[0].weight >= share * total else None

    return rule


def _vote(n: int) -> SelectionOptions:
    return SelectionOptions(
        method=SelectionMethod.WEIGHTED_MAJORITY, n_max=n, n_parallel=None, adaptive=False
    )
