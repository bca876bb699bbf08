"""Votes and best-of-N on samples that were drawn already."""

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve_training.evaluation.bootstrap import Bootstrap
from laserve_training.evaluation.metrics import pass_at_k
from laserve_training.evaluation.samples import Floats, SampleTable
from laserve_training.evaluation.selection import (
    best_of_n,
    majority,
    measure_selection,
    oracle,
    weighted_majority,
)
from tests.unit.selection.samples import sample, select

NAN = math.nan
RIGHT = "a"
"""The one answer that is correct, so that equal answers share their verdict."""
# "" votes for nothing and is never correct.
ANSWERS = st.sampled_from([RIGHT, "b", "c", ""])
SCORES = st.one_of(
    st.sampled_from([NAN, 0.0, 0.1, 0.2, 0.3, 1.0]), st.floats(min_value=-3.0, max_value=3.0)
)
SAMPLES = st.lists(st.tuples(ANSWERS, SCORES), min_size=1, max_size=12)


def table(*problems: list[tuple[str, float]]) -> SampleTable:
    """Problems as lists of (answer, score)."""
    answers = np.array([[answer for answer, _ in samples] for samples in problems])
    scores = np.array([[score for _, score in samples] for samples in problems])
    return SampleTable(
        correct_PN=answers == RIGHT,
        scores_PN=scores,
        lengths_PN=np.ones(scores.shape),
        answers_PN=answers,
    )


def test_majority_by_hand() -> None:
    two_of_four = [("a", 0.0), ("a", 0.0), ("b", 1.0), ("c", 1.0)]
    outvoted = [("b", 0.0), ("a", 1.0), ("b", 0.0), ("c", 0.0)]
    tied = [("b", 0.0), ("a", 1.0), ("b", 0.0), ("a", 0.0)]
    three_tied = [("b", 0.0), ("a", 1.0), ("", 0.0), ("c", 0.0)]
    assert majority(table(two_of_four, outvoted, tied, three_tied), 4).tolist() == [
        1.0,
        0.0,
        1 / 2,
        1 / 3,
    ]


def test_weighted_majority_by_hand() -> None:
    one_strong = [("b", 0.3), ("a", 0.9), ("b", 0.3), ("c", -5.0)]
    clipped = [("b", 0.6), ("a", 9.0), ("b", 0.6), ("c", 0.0)]  # 9 counts as 1, less than 1.2
    unscored = [("b", NAN), ("a", 0.1), ("b", NAN), ("b", NAN)]
    nothing_weighs = [("b", NAN), ("a", -1.0), ("b", -2.0), ("a", 0.0)]
    more_samples = [("b", 0.5), ("a", 0.5), ("a", -2.0), ("c", 0.5)]
    samples = table(one_strong, clipped, unscored, nothing_weighs, more_samples)
    assert weighted_majority(samples, 4).tolist() == [1.0, 0.0, 1.0, 1 / 2, 1.0]


def test_best_of_n_by_hand() -> None:
    samples = table(
        [("b", 0.3), ("a", 0.9)],
        [("b", 7.0), ("a", 0.9)],
        [("b", 0.9), ("a", 0.9)],
        [("b", NAN), ("a", -4.0)],
        [("b", NAN), ("a", NAN)],
    )
    picked = best_of_n(samples.correct_PN, samples.scores_PN, 2)
    assert picked.tolist() == [1.0, 0.0, 0.5, 1.0, 0.5]


def test_where_nothing_votes_the_accuracy_is_zero() -> None:
    samples = table([("", 1.0), ("", 0.5)])
    assert majority(samples, 2).tolist() == [0.0]
    assert weighted_majority(samples, 2).tolist() == [0.0]


def test_an_answer_has_the_verdict_of_the_sample_that_stands_for_it() -> None:
    samples = SampleTable(
        correct_PN=np.array([[True, False, False], [False, True, True], [False, False, True]]),
        scores_PN=np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.1, 0.2, 0.3]]),
        lengths_PN=np.ones((3, 3)),
        answers_PN=np.full((3, 3), "x"),
    )
    assert majority(samples, 3).tolist() == [1.0, 0.0, 1.0]


@given(samples=SAMPLES.filter(lambda samples: any(answer for answer, _ in samples)))
@pytest.mark.parametrize(
    ("method", "accuracy"),
    [("majority", majority), ("weighted_majority", weighted_majority)],
)
async def test_the_accuracy_is_that_of_the_service_over_all_seeds(
    samples: list[tuple[str, float]], method: str, accuracy: Callable[[SampleTable, int], Floats]
) -> None:
    given = [
        sample(index, answer, None if math.isnan(score) else score, finish_reason="stop")
        for index, (answer, score) in enumerate(samples)
    ]
    chosen = {(await select(given, method=method, seed=seed)).outcome.answer for seed in range(6)}
    # Six seeds reach each of the answers that tie.
    expected = (RIGHT in chosen) / len(chosen)
    assert accuracy(table(samples), len(samples)).tolist() == [expected]


def test_smaller_n_is_the_mean_over_disjoint_blocks() -> None:
    samples = table([("a", 0.9), ("b", 0.1), ("b", 0.9), ("b", 0.1), ("a", 0.9)])
    # Blocks (a, b) and (b, b); the fifth sample fills no block.
    assert weighted_majority(samples, 2).tolist() == [0.5]
    assert majority(samples, 2).tolist() == [0.25]
    assert oracle(samples.correct_PN, 2).tolist() == [0.5]


@given(SAMPLES, st.randoms(use_true_random=False))
def test_order_of_the_samples_does_not_matter(
    samples: list[tuple[str, float]], random: Random
) -> None:
    shuffled = samples.copy()
    random.shuffle(shuffled)
    one, other = table(samples), table(shuffled)
    size = len(samples)
    assert majority(one, size) == majority(other, size)
    assert weighted_majority(one, size) == weighted_majority(other, size)
    best = best_of_n(one.correct_PN, one.scores_PN, size)
    assert best == best_of_n(other.correct_PN, other.scores_PN, size)


@given(st.lists(ANSWERS, min_size=1, max_size=12), st.floats(min_value=1e-3, max_value=5.0))
def test_equal_weights_are_plain_majority(answers: list[str], score: float) -> None:
    samples = table([(answer, score) for answer in answers])
    assert weighted_majority(samples, len(answers)) == majority(samples, len(answers))


@given(st.floats(min_value=1e-300, max_value=1.0), st.integers(min_value=1, max_value=9))
def test_zero_weight_never_beats_a_positive_one(weight: float, others: int) -> None:
    samples = table([("a", weight), *[("b", 0.0)] * others])
    assert weighted_majority(samples, 1 + others).tolist() == [1.0]
    samples = table([("b", weight), *[("a", -1.0)] * others])
    assert weighted_majority(samples, 1 + others).tolist() == [0.0]


@given(SAMPLES)
def test_one_sample_is_pass_at_1_and_none_beats_the_oracle(
    samples: list[tuple[str, float]],
) -> None:
    one = table(samples)
    expected = pass_at_k(one.correct_PN, 1)
    every = len(samples)
    for accuracy, of_all in (
        (majority(one, 1), majority(one, every)),
        (weighted_majority(one, 1), weighted_majority(one, every)),
        (
            best_of_n(one.correct_PN, one.scores_PN, 1),
            best_of_n(one.correct_PN, one.scores_PN, every),
        ),
    ):
        # Means of at most 12 zeros and ones.
        np.testing.assert_allclose(accuracy, expected, atol=1e-15)
        assert of_all <= oracle(one.correct_PN, every)


def test_measure_selection_sets_the_votes_beside_each_other() -> None:
    samples = table(
        [("b", 0.1), ("a", 0.9), ("b", 0.1), ("c", 0.0)],
        [("a", 0.1), ("a", 0.9), ("b", 0.1), ("c", 0.0)],
    )
    figures = measure_selection(samples, Bootstrap(2))
    assert [(one.size, one.blocks) for one in figures] == [(1, 4), (2, 2), (4, 1)]
    largest = figures[-1]
    assert largest.majority.value == 0.5
    assert largest.weighted_majority.value == largest.best_of_n.value == largest.oracle.value == 1.0
    assert largest.relative_gain.value == pytest.approx(2.0)
    assert largest.share_of_oracle.value == pytest.approx(1.0)
