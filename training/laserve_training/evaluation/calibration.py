"""Fits the calibration of a checkpoint: from its scores to the probability of being correct.

On a split of its own, never the one that figures are reported on. P problems, N samples each.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from laserve.core.calibration import Calibration, IsotonicCalibration, PlattCalibration
from laserve.errors import DataError
from laserve_training.evaluation.metrics import ece as expected_calibration_error
from laserve_training.evaluation.samples import Bools, Floats

Kind = Literal["isotonic", "platt"]

Ints = NDArray[np.int64]

MIN_SCORED = 20
"""Samples with a score that a fit needs."""
FOLDS = 5


def fit_calibration(
    correct_PN: Bools, scores_PN: Floats, *, kind: Kind, fitted_on: str
) -> Calibration:
    """Fit it to the samples that have a score; `fitted_on` names the data set.

    Its `ece` is out of sample: each problem's probabilities come from a fit to the problems of the
    other folds, 5 or as many as there are problems.

    Raises DataError where there are fewer than 20 samples with a score, fewer than 2 problems with
    one, or only correct or only incorrect ones.
    """
    known_PN = ~np.isnan(scores_PN)
    scores_M, correct_M = scores_PN[known_PN], correct_PN[known_PN]
    problem_M = np.nonzero(known_PN)[0]
    _check(scores_M, correct_M, problem_M, fitted_on)
    folds = GroupKFold(min(FOLDS, len(np.unique(problem_M))))
    held_out_M = np.empty_like(scores_M)
    for fit, held_out in folds.split(scores_M, groups=problem_M):
        # The error of the fold's own fit is not asked for.
        calibration = _fit(correct_M[fit], scores_M[fit], kind, ece=0.0, fitted_on=fitted_on)
        held_out_M[held_out] = calibrate(calibration, scores_M[held_out])
    error = float(
        expected_calibration_error(
            correct_M[:, None], held_out_M[:, None], np.ones((1, len(scores_M)))
        )[0]
    )
    return _fit(correct_M, scores_M, kind, ece=error, fitted_on=fitted_on)


def calibrate(calibration: Calibration, scores: Floats) -> Floats:
    """Probability of being correct at each score, of the same shape; NaN stays NaN."""
    probabilities = [
        math.nan if math.isnan(score) else calibration.confidence(score)
        for score in scores.ravel().tolist()
    ]
    return np.array(probabilities, dtype=np.float64).reshape(scores.shape)


def _check(scores_M: Floats, correct_M: Bools, problem_M: Ints, fitted_on: str) -> None:
    if len(scores_M) < MIN_SCORED:
        raise DataError(
            f"{fitted_on}: {len(scores_M)} samples have a score, a calibration needs {MIN_SCORED}: "
            "take more problems or more samples of each, and see that max_tokens lets them end"
        )
    if len(np.unique(problem_M)) < 2:
        raise DataError(
            f"{fitted_on}: all scored samples are of one problem, so no error can be held out: "
            "take more problems"
        )
    if correct_M.all() or not correct_M.any():
        only = "correct" if correct_M.all() else "incorrect"
        raise DataError(
            f"{fitted_on}: all {len(scores_M)} scored samples are {only}, which shows nothing of "
            "the others: take more problems, or easier and harder ones"
        )


def _fit(
    correct_M: Bools, scores_M: Floats, kind: Kind, *, ece: float, fitted_on: str
) -> Calibration:
    if kind == "isotonic":
        return _fit_isotonic(correct_M, scores_M, ece, fitted_on)
    return _fit_platt(correct_M, scores_M, ece, fitted_on)


def _fit_isotonic(
    correct_M: Bools, scores_M: Floats, ece: float, fitted_on: str
) -> IsotonicCalibration:
    """Its knots are where the fitted steps begin and end. No probability is nearer to 0 or 1 than
    1 / (n + 2) for n samples, Laplace's rule of succession: n samples of one kind prove no more."""
    least = 1.0 / (len(scores_M) + 2)
    regression = IsotonicRegression(y_min=least, y_max=1.0 - least)
    regression.fit(scores_M, correct_M.astype(np.float64))
    return IsotonicCalibration(
        ece=ece,
        fitted_on=fitted_on,
        scores=tuple(regression.X_thresholds_.tolist()),
        probabilities=tuple(regression.y_thresholds_.tolist()),
    )


def _fit_platt(correct_M: Bools, scores_M: Floats, ece: float, fitted_on: str) -> PlattCalibration:
    """Platt's targets for n_1 correct and n_0 incorrect samples, (n_1 + 1) / (n_1 + 2) and
    1 / (n_0 + 2), keep the slope finite where the score separates them (Platt 1999)."""
    count = int(correct_M.sum())
    target_M = np.where(correct_M, (count + 1) / (count + 2), 1 / (len(correct_M) - count + 2))
    # A target between 0 and 1 is a sample of both kinds, weighted.
    regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    regression.fit(
        np.concatenate([scores_M, scores_M])[:, None],
        np.repeat([1, 0], len(scores_M)),
        sample_weight=np.concatenate([target_M, 1.0 - target_M]),
    )
    a, b = float(regression.coef_[0, 0]), float(regression.intercept_[0])
    if a < 0.0:
        # The likelihood is concave: with a falling slope ruled out, a constant is the best fit.
        mean = float(target_M.mean())
        a, b = 0.0, math.log(mean / (1.0 - mean))
    return PlattCalibration(ece=ece, fitted_on=fitted_on, a=a, b=b)
