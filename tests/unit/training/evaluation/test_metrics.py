"""The figures of a score, by hand and against independent references."""

import math
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from laserve_training.evaluation.bootstrap import Bootstrap
from laserve_training.evaluation.metrics import (
    auroc,
    brier,
    ece,
    f1,
    measure,
    pass_at_k,
    powers_of_two,
    problem_aurocs,
    reliability_bins,
    verdict_accuracy,
)
from laserve_training.evaluation.samples import Bools, Floats, SampleTable

NAN = math.nan


def once(problems: int) -> Floats:
    """Weights of the problems themselves."""
    return np.ones((1, problems))


def random_samples(seed: int, problems: int = 30, samples: int = 6) -> tuple[Bools, Floats]:
    """Verdicts and informative scores with ties and gaps."""
    rng = np.random.default_rng(seed)
    correct = rng.random((problems, samples)) < rng.random((problems, 1))
    noise = rng.normal(0.3, 0.4, correct.shape)
    scores = np.round(10 * (noise + 0.4 * correct)) / np.float64(10)
    scores[rng.random(correct.shape) < 0.1] = NAN
    return correct, scores


def test_f1_by_hand() -> None:
    correct = np.array([[True, True, True, False], [True, False, False, False]])
    scores = np.array([[0.9, 0.6, 0.2, 0.1], [0.7, 0.8, 0.5, NAN]])
    # Correct: 0.9, 0.6, 0.7 of 4 are above 0.5. Incorrect: 0.1 and 0.5 of 3 are not; NaN is out.
    on_correct, on_incorrect = 3 / 4, 2 / 3
    assert verdict_accuracy(correct, scores, once(2), 0.5, of_correct=True)[0] == on_correct
    assert verdict_accuracy(correct, scores, once(2), 0.5, of_correct=False)[0] == on_incorrect
    # 2 * (1/2) / (17/12), up to the last digit.
    assert f1(correct, scores, once(2))[0] == pytest.approx(12 / 17, rel=1e-15)


def test_f1_of_a_score_that_is_always_wrong_is_zero() -> None:
    assert f1(np.array([[True, False]]), np.array([[0.1, 0.9]]), once(1))[0] == 0.0


def test_f1_needs_both_kinds() -> None:
    assert math.isnan(f1(np.array([[True, True]]), np.array([[0.9, 0.9]]), once(1))[0])
    assert math.isnan(f1(np.array([[True, False]]), np.array([[0.9, NAN]]), once(1))[0])


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_that_of_scikit_learn_for_any_weights(seed: int) -> None:
    correct, scores = random_samples(seed)
    known = ~np.isnan(scores)
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(correct))).astype(float)
    expected = [
        roc_auc_score(
            correct[known],
            scores[known],
            sample_weight=np.broadcast_to(row[:, None], correct.shape)[known],
        )
        for row in weights
    ]
    # Sums of at most 180 products in another order: some ulp.
    np.testing.assert_allclose(auroc(correct, scores, weights), expected, rtol=1e-12)


def test_auroc_needs_both_kinds() -> None:
    assert math.isnan(auroc(np.array([[True, True]]), np.array([[0.1, 0.2]]), once(1))[0])
    assert math.isnan(auroc(np.array([[True, False]]), np.array([[NAN, NAN]]), once(1))[0])


def test_auroc_within_a_problem_is_that_of_a_loop() -> None:
    correct, scores = random_samples(7)
    within = problem_aurocs(correct, scores)
    for row_correct, row_scores, value in zip(correct, scores, within, strict=True):
        wins = [
            1.0 if good > bad else 0.5 if good == bad else 0.0
            for good in row_scores[row_correct]
            for bad in row_scores[~row_correct]
            if not (math.isnan(good) or math.isnan(bad))
        ]
        if wins:
            assert value == sum(wins) / len(wins)
        else:
            assert math.isnan(value)
    assert np.isnan(within).any()
    assert not np.isnan(within).all()


def test_a_score_that_knows_only_the_problem_is_chance_within_one() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.random((200, 1))
    correct = rng.random((200, 8)) < difficulty
    scores = np.broadcast_to(difficulty, correct.shape)
    assert auroc(correct, scores, once(200))[0] > 0.75
    assert np.nanmean(problem_aurocs(correct, scores)) == 0.5


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6])
def test_pass_at_k_is_the_mean_over_all_subsets(k: int) -> None:
    correct, _ = random_samples(3, problems=10)
    expected = [
        np.mean([row[list(subset)].any() for subset in combinations(range(6), k)])
        for row in correct
    ]
    # Products and sums of a few rounded fractions.
    np.testing.assert_allclose(pass_at_k(correct, k), expected, atol=1e-14)


def test_pass_at_1_is_the_share_of_correct_samples() -> None:
    np.testing.assert_allclose(
        pass_at_k(np.array([[True, False, False, True]]), 1), [0.5], atol=1e-15
    )


def test_pass_at_more_than_there_are_is_undefined() -> None:
    assert np.isnan(pass_at_k(np.ones((2, 4), dtype=bool), 5)).all()


def test_pass_at_k_of_many_samples_does_not_overflow() -> None:
    correct = np.zeros((1, 2000), dtype=bool)
    correct[0, 0] = True
    assert pass_at_k(correct, 1000)[0] == pytest.approx(0.5, rel=1e-12)


def test_ece_and_bins_by_hand() -> None:
    correct = np.array([[False, True], [True, True]])
    probabilities = np.array([[0.01, 0.03], [0.9, 1.0]])
    bins = reliability_bins(correct, probabilities)
    filled = [(i, b.count, b.probability, b.accuracy) for i, b in enumerate(bins) if b.count]
    # 15 bins: 0.9 * 15 = 13.5; 1.0 belongs to the last one.
    assert filled == [(0, 2, 0.02, 0.5), (13, 1, 0.9, 1.0), (14, 1, 1.0, 1.0)]
    assert math.isnan(bins[5].accuracy)
    # (2 * |0.5 - 0.02| + |1 - 0.9| + 0) / 4
    assert ece(correct, probabilities, once(2))[0] == pytest.approx(0.265, rel=1e-14)


def test_ece_is_weighted_by_problem() -> None:
    correct = np.array([[True], [True]])
    probabilities = np.array([[0.9], [0.2]])
    # (3 * 0.1 + 1 * 0.8) / 4
    weights = np.array([[3.0, 1.0]])
    assert ece(correct, probabilities, weights)[0] == pytest.approx(0.275, rel=1e-14)


def test_brier_is_that_of_scikit_learn() -> None:
    correct, scores = random_samples(5)
    probabilities = np.clip(scores, 0.0, 1.0)
    known = ~np.isnan(probabilities)
    expected = brier_score_loss(correct[known], probabilities[known])
    assert brier(correct, probabilities, once(30))[0] == pytest.approx(expected, rel=1e-12)


def test_calibration_of_nothing_is_undefined() -> None:
    nothing = np.full((2, 2), NAN)
    assert math.isnan(ece(np.ones((2, 2), dtype=bool), nothing, once(2))[0])
    assert math.isnan(brier(np.ones((2, 2), dtype=bool), nothing, once(2))[0])


def test_powers_of_two() -> None:
    assert powers_of_two(1) == [1]
    assert powers_of_two(12) == [1, 2, 4, 8]
    assert powers_of_two(16) == [1, 2, 4, 8, 16]


def test_measure_counts_and_puts_each_figure_in_its_interval() -> None:
    correct, scores = random_samples(11, problems=60)
    table = SampleTable(
        correct_PN=correct,
        scores_PN=scores,
        lengths_PN=np.ones(correct.shape),
        answers_PN=np.full(correct.shape, "a"),
    )
    figures = measure(table, Bootstrap(60), calibrated_PN=np.clip(scores, 0.2, 0.8))
    assert (figures.problems, figures.samples) == (60, 6)
    assert figures.scored == (~np.isnan(scores)).sum()
    assert figures.problems_within == (~np.isnan(problem_aurocs(correct, scores))).sum()
    assert list(figures.pass_at_k) == [2, 4]
    assert figures.pass_at_1.value == pytest.approx(correct.mean())
    assert figures.f1.value == f1(correct, scores, once(60))[0]
    assert figures.calibrated is not None
    for interval in (figures.pass_at_1, figures.f1, figures.auroc, figures.auroc_within):
        assert interval.low < interval.value < interval.high
