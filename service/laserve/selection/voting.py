"""Which answer wins, and which sample stands for it.

Samples with equal answers form a group. A group's weight is, by method:

    majority            the number of its samples
    weighted_majority   the sum of its samples' weights: clip(score, 0, 1), or the confidence
    best_of_n           the highest score among its samples

The group with the most weight wins; ties go to the one of more samples, then to the smaller
SHA-256 of seed and answer, so the order in which samples arrive never decides. The sample with the
highest score stands for its group, the earliest of several.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from laserve.selection.options import SelectionMethod, Weights
from laserve.selection.sample import Sample

_UNSCORED = -math.inf
"""Rank of a sample without a score, below every score."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one sample says, and what that weighs."""

    answer: str
    """As the sample gave it."""
    index: int
    """The sample's number among those of its request."""
    score: float | None
    """Its self-reward score; None where there is none."""
    confidence: float | None
    """Its calibrated probability of being correct; None where there is none."""


@dataclass(slots=True)
class Group:
    """Samples with equal answers."""

    key: str
    """That of their answers."""
    method: SelectionMethod
    weights: Weights
    seed: int
    members: list[Vote] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.members)

    @property
    def weight(self) -> float:
        """What the method ranks by; -inf where best_of_n has no score to rank by."""
        if self.method == SelectionMethod.MAJORITY:
            return float(self.count)
        if self.method == SelectionMethod.BEST_OF_N:
            return _rank(self.best.score)
        # fsum: the exact sum, whatever the order.
        return math.fsum(vote_weight(vote, self.weights) for vote in self.members)

    @property
    def best(self) -> Vote:
        """The vote of the sample that stands for the group."""
        return max(self.members, key=lambda vote: (_rank(vote.score), -vote.index))

    @property
    def confidence(self) -> float | None:
        """Probability that the answer is correct; None where no sample has one.

        Each sample's confidence is an estimate of it: in a vote their mean, which is not biased
        by the choice of the highest; for best_of_n, which rests on one sample, that one's.
        """
        return _mean(vote.confidence for vote in self._judges)

    @property
    def score(self) -> float | None:
        """Self-reward score of the answer, of the same samples in the same way."""
        return _mean(vote.score for vote in self._judges)

    @property
    def _judges(self) -> Sequence[Vote]:
        return [self.best] if self.method == SelectionMethod.BEST_OF_N else self.members

    @property
    def standing(self) -> tuple[float, int]:
        """Weight and number of samples: of two groups the one with the higher standing wins, of
        equal ones either, by the seed."""
        return self.weight, self.count

    def precedence(self) -> tuple[float, int, bytes]:
        """Sorts groups, the winner first."""
        digest = sha256(f"{self.seed}:{self.key}".encode("utf-8", "surrogatepass")).digest()
        weight, count = self.standing
        return -weight, -count, digest


def ranked(groups: Iterable[Group]) -> list[Group]:
    """The groups, the winner first."""
    return sorted(groups, key=Group.precedence)


def winners(groups: Iterable[Group]) -> list[Group]:
    """The groups that win for one seed or another, each for as many of them; none of none."""
    standings = [(group.standing, group) for group in groups]
    highest = max((standing for standing, _ in standings), default=None)
    return [group for standing, group in standings if standing == highest]


def vote_weight(vote: Vote, weights: Weights) -> float:
    """Weight of a vote in a weighted majority, in [0, 1]; 0 where there is no score."""
    value = vote.score if weights == Weights.SCORE else vote.confidence
    return 0.0 if value is None else min(max(value, 0.0), 1.0)


def without_votes(samples: Sequence[Sample[Any]]) -> Sample[Any]:
    """The sample to answer with where none has a vote: a complete one rather than a truncated one
    rather than a cancelled one, then by score, length and order."""
    return max(
        samples,
        key=lambda sample: (
            sample.is_complete,
            sample.finish_reason == "length",
            _rank(sample.score),
            sample.completion_tokens,
            -sample.index,
        ),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _rank(score: float | None) -> float:
    return _UNSCORED if score is None else score
