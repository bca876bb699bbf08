"""Fitting a calibration: right probabilities, held-out error, degenerate sets."""

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from laserve.core.calibration import IsotonicCalibration, PlattCalibration
from laserve.errors import DataError
from laserve_training.evaluation.calibration import Kind, calibrate, fit_calibration
from laserve_training.evaluation.samples import Bools, Floats

KINDS: list[Kind] = ["isotonic", "platt"]


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def samples(problems: int = 200, slope: float = 4.0, offset: float = -2.0) -> tuple[Bools, Floats]:
    """Verdicts whose probability is sigmoid(slope * score + offset)."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0.5, 0.6, (problems, 8))
    return rng.random(scores.shape) < sigmoid(slope * scores + offset), scores


@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_the_probabilities_that_the_verdicts_were_drawn_from(kind: Kind) -> None:
    correct, scores = samples(1000)
    fitted = fit_calibration(correct, scores, kind=kind, fitted_on="drawn")
    at = np.linspace(-0.5, 1.5, 21)
    # 8000 samples, some hundreds around each point: a standard error of 0.02, three times over.
    np.testing.assert_allclose(calibrate(fitted, at), sigmoid(4.0 * at - 2.0), atol=0.06)
    assert fitted.fitted_on == "drawn"
    assert 0.0 < fitted.ece < 0.03


def test_platt_finds_slope_and_offset() -> None:
    fitted = fit_calibration(*samples(2000), kind="platt", fitted_on="drawn")
    assert isinstance(fitted, PlattCalibration)
    # 16000 samples: standard errors of 0.05 and 0.03.
    assert fitted.a == pytest.approx(4.0, abs=0.2)
    assert fitted.b == pytest.approx(-2.0, abs=0.12)


def test_isotonic_knots_are_scikit_learns_function() -> None:
    correct, scores = samples()
    scores = np.round(scores, 2)  # ties
    fitted = fit_calibration(correct, scores, kind="isotonic", fitted_on="drawn")
    assert isinstance(fitted, IsotonicCalibration)
    assert all(a < b for a, b in pairwise(fitted.scores))
    # Two knots to a step, and far fewer steps than samples.
    assert len(fitted.scores) < 120
    least = 1 / (scores.size + 2)
    reference = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    reference.fit(scores.ravel(), correct.ravel().astype(float))
    at = np.linspace(-2.0, 3.0, 301)
    # Interpolation between the same knots, some ulp apart.
    np.testing.assert_allclose(calibrate(fitted, at), reference.predict(at), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_probability_is_certain_where_the_score_separates(kind: Kind) -> None:
    correct = np.array([[True, False]] * 20)
    fitted = fit_calibration(correct, correct.astype(float), kind=kind, fitted_on="separated")
    low, high = calibrate(fitted, np.array([0.0, 1.0]))
    # Laplace: 1 / (40 + 2). Platt: 1 / (20 + 2), to the precision of the optimiser.
    expected = 1 / 42 if kind == "isotonic" else 1 / 22
    assert (low, 1 - high) == pytest.approx((expected, expected), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_that_falls_with_correctness_becomes_a_constant(kind: Kind) -> None:
    correct, scores = samples()
    fitted = fit_calibration(correct, -scores, kind=kind, fitted_on="reversed")
    probabilities = calibrate(fitted, np.array([-9.0, 0.0, 9.0]))
    # Platt's targets move the mean of 1600 samples by less than 1/1600.
    np.testing.assert_allclose(probabilities, correct.mean(), atol=1e-3)


def test_ece_is_held_out() -> None:
    """Of scores that say nothing, isotonic regression fits the noise; a held-out error shows it."""
    rng = np.random.default_rng(1)
    # The verdict is the problem's, so that a fold must not share a problem with the others.
    correct = np.repeat(rng.random((24, 1)) < 0.5, 8, axis=1)
    scores = np.repeat(rng.random((24, 1)), 8, axis=1) + 0.001 * rng.random((24, 8))
    fitted = fit_calibration(correct, scores, kind="isotonic", fitted_on="noise")
    in_sample = np.abs(calibrate(fitted, scores) - correct).mean()
    assert in_sample < 0.5
    assert fitted.ece > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_score_is_left_out(kind: Kind) -> None:
    correct, scores = samples(50)
    more_correct = np.concatenate([correct, np.ones((50, 4), dtype=bool)], axis=1)
    more_scores = np.concatenate([scores, np.full((50, 4), math.nan)], axis=1)
    assert fit_calibration(more_correct, more_scores, kind=kind, fitted_on="x") == fit_calibration(
        correct, scores, kind=kind, fitted_on="x"
    )


def test_calibrate_keeps_shape_and_gaps() -> None:
    fitted = PlattCalibration(ece=0.0, fitted_on="x", a=1.0, b=0.0)
    probabilities = calibrate(fitted, np.array([[0.0, math.nan]]))
    assert probabilities.shape == (1, 2)
    assert probabilities[0, 0] == 0.5
    assert math.isnan(probabilities[0, 1])


def test_degenerate_sets_are_refused() -> None:
    few = np.array([[True, False, True]] * 6)
    with pytest.raises(DataError, match="few: 18 samples have a score, a calibration needs 20"):
        fit_calibration(few, few.astype(float), kind="platt", fitted_on="few")
    right = np.ones((10, 4), dtype=bool)
    with pytest.raises(DataError, match="all 40 scored samples are correct"):
        fit_calibration(right, right.astype(float), kind="isotonic", fitted_on="right")
    with pytest.raises(DataError, match="all 40 scored samples are incorrect"):
        fit_calibration(~right, right.astype(float), kind="isotonic", fitted_on="wrong")
    one = np.array([[True, False] * 20])
    with pytest.raises(DataError, match="of one problem"):
        fit_calibration(one, one.astype(float), kind="isotonic", fitted_on="one")
