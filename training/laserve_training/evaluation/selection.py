"""Choosing one of N samples, offline, on samples that were drawn already.

For N below the number of samples the accuracy is the mean over the disjoint blocks of N successive
samples, the same blocks for every method. Ties are not broken: the accuracy is the expected one
under a uniformly random choice among what ties, answers in a vote and samples in best-of-N. So
every number is deterministic, unbiased, and does not depend on the order within a block.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laserve_training.evaluation.bootstrap import Bootstrap, Interval, ratio
from laserve_training.evaluation.metrics import powers_of_two
from laserve_training.evaluation.samples import Bools, Floats, SampleTable

_ROUNDING = 1e-9
"""Votes that differ by less, relatively, tie: sums of the same weights in another order do."""


@dataclass(frozen=True, slots=True)
class SelectionFigures:
    """Accuracy of each way to choose one of `size` samples."""

    size: int
    """N."""
    blocks: int
    """Disjoint sets of N samples that each problem's accuracy is the mean of."""
    majority: Interval
    weighted_majority: Interval
    """By the self-reward score."""
    best_of_n: Interval
    """By the self-reward score."""
    oracle: Interval
    """One of the N samples is correct: no method does better on these blocks."""
    relative_gain: Interval
    """Weighted over plain majority, as a ratio."""
    share_of_oracle: Interval
    """Weighted majority over what is possible, as a ratio."""


def measure_selection(table: SampleTable, bootstrap: Bootstrap) -> tuple[SelectionFigures, ...]:
    """For each power of two up to the number of samples."""
    samples = table.correct_PN.shape[1]
    figures = []
    for size in powers_of_two(samples):
        majority_P = majority(table, size)
        weighted_P = weighted_majority(table, size)
        best_P = best_of_n(table.correct_PN, table.scores_PN, size)
        oracle_P = oracle(table.correct_PN, size)
        figures.append(
            SelectionFigures(
                size=size,
                blocks=samples // size,
                majority=bootstrap.mean(majority_P),
                weighted_majority=bootstrap.mean(weighted_P),
                best_of_n=bootstrap.mean(best_P),
                oracle=bootstrap.mean(oracle_P),
                relative_gain=bootstrap.ratio_of_means(weighted_P, majority_P),
                share_of_oracle=bootstrap.ratio_of_means(weighted_P, oracle_P),
            )
        )
    return tuple(figures)


def majority(table: SampleTable, size: int) -> Floats:
    """(P,) accuracy of the answer that most of `size` samples give."""
    return _vote(table, np.ones(table.scores_PN.shape), size)


def weighted_majority(table: SampleTable, size: int) -> Floats:
    """(P,) accuracy of the answer whose samples have the largest sum of scores, each clipped to
    [0, 1]; a sample without a score weighs 0. Where all weigh 0 all answers tie."""
    return _vote(table, np.nan_to_num(np.clip(table.scores_PN, 0.0, 1.0)), size)


def best_of_n(correct_PN: Bools, confidences_PN: Floats, size: int) -> Floats:
    """(P,) accuracy of the sample with the highest confidence. NaN ranks below every number."""
    ranks_PBN = _blocks(np.where(np.isnan(confidences_PN), -np.inf, confidences_PN), size)
    best_PBN = ranks_PBN == ranks_PBN.max(axis=2, keepdims=True)
    return _accuracy(best_PBN, _blocks(correct_PN, size))


def oracle(correct_PN: Bools, size: int) -> Floats:
    """(P,) share of the blocks that hold a correct sample."""
    return _mean(np.asarray(_blocks(correct_PN, size).any(axis=2)))


def _vote(table: SampleTable, weights_PN: Floats, size: int) -> Floats:
    """(P,) accuracy of the answer with the most weight. An answer has the verdict of its first
    sample; "" gets no vote, and where nothing votes the accuracy is 0."""
    # Numbers instead of strings, which are slow to compare.
    _, answers_PN = np.unique(table.answers_PN, return_inverse=True)
    answers_PBN = _blocks(answers_PN, size)
    same_PBNN = answers_PBN[..., :, None] == answers_PBN[..., None, :]
    votes_PBN = (same_PBNN * _blocks(weights_PN, size)[..., None, :]).sum(axis=3)
    votes_PBN[_blocks(table.answers_PN, size) == ""] = -1.0
    most_PBN = votes_PBN.max(axis=2, keepdims=True)
    wins_PBN = (votes_PBN >= 0.0) & (votes_PBN >= most_PBN * (1.0 - _ROUNDING))
    is_first_PBN = ~np.tril(same_PBNN, -1).any(axis=3)
    return _accuracy(wins_PBN & is_first_PBN, _blocks(table.correct_PN, size))


def _blocks(values_PN: NDArray[Any], size: int) -> NDArray[Any]:
    """(P, B, N): the first B * N samples of each problem in B blocks."""
    problems, samples = values_PN.shape
    count = samples // size
    return values_PN[:, : count * size].reshape(problems, count, size)


def _accuracy(chosen_PBN: Bools, correct_PBN: Bools) -> Floats:
    """(P,) mean over blocks of the share of correct ones among the chosen; 0 without a choice."""
    return _mean(
        np.nan_to_num(ratio((chosen_PBN & correct_PBN).sum(axis=2), chosen_PBN.sum(axis=2)))
    )


def _mean(values_PB: NDArray[Any]) -> Floats:
    means_P: Floats = values_PB.mean(axis=1, dtype=np.float64)
    return means_P
