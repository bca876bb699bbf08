"""Choosing one of N samples, offline, on samples that were drawn already.

Votes are counted as the server counts them (`laserve.selection.voting`). For N below the number of
samples the accuracy is the mean over the disjoint blocks of N successive samples, the same blocks
for every method. Where the server's seed decides between answers, the accuracy is the expected one
over all seeds; in best-of-N, over the samples that share the highest confidence. So every number is
deterministic, unbiased, and does not depend on the order within a block.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laserve.answers.normal_form import normal_form
from laserve.selection.options import SelectionMethod, Weights
from laserve.selection.voting import Group, Vote, winners
from laserve_training.evaluation.bootstrap import Bootstrap, Interval, ratio
from laserve_training.evaluation.metrics import powers_of_two
from laserve_training.evaluation.samples import Bools, Floats, SampleTable


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
    return _vote(table, SelectionMethod.MAJORITY, size)


def weighted_majority(table: SampleTable, size: int) -> Floats:
    """(P,) accuracy of the answer whose samples have the largest sum of scores, each clipped to
    [0, 1]."""
    return _vote(table, SelectionMethod.WEIGHTED_MAJORITY, size)


def best_of_n(correct_PN: Bools, confidences_PN: Floats, size: int) -> Floats:
    """(P,) accuracy of the sample with the highest confidence. NaN ranks below every number."""
    ranks_PBN = _blocks(np.where(np.isnan(confidences_PN), -np.inf, confidences_PN), size)
    best_PBN = ranks_PBN == ranks_PBN.max(axis=2, keepdims=True)
    return _accuracy(best_PBN, _blocks(correct_PN, size))


def oracle(correct_PN: Bools, size: int) -> Floats:
    """(P,) share of the blocks that hold a correct sample."""
    return _mean(np.asarray(_blocks(correct_PN, size).any(axis=2)))


def _vote(table: SampleTable, method: SelectionMethod, size: int) -> Floats:
    """(P,) accuracy of the answer that wins. It has the verdict of the sample that stands for it;
    "" gets no vote, and where nothing votes the accuracy is 0."""
    starts = range(0, table.correct_PN.shape[1] - size + 1, size)
    columns = (table.answers_PN, table.scores_PN, table.correct_PN)
    return _mean(
        np.array(
            [
                [_voted(method, *(row[start : start + size] for row in rows)) for start in starts]
                for rows in zip(*(column.tolist() for column in columns), strict=True)
            ]
        )
    )


def _voted(
    method: SelectionMethod, answers: list[str], scores: list[float], correct: list[bool]
) -> float:
    """Share of correct ones among the answers that win."""
    groups: dict[str, Group] = {}
    for index, (answer, score) in enumerate(zip(answers, scores, strict=True)):
        if answer:
            key = normal_form(answer)
            group = groups.setdefault(key, Group(key, method, Weights.SCORE, seed=0))
            group.members.append(Vote(answer, index, None if math.isnan(score) else score, None))
    verdicts = [correct[group.best.index] for group in winners(groups.values())]
    return sum(verdicts) / len(verdicts) if verdicts else 0.0


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
