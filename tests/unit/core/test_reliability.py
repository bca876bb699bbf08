"""Reliability bins and histograms, against scipy's and numpy's."""

import numpy as np
import pytest
from scipy.stats import binomtest

from laserve.core.calibration import PlattCalibration
from laserve.core.judged import CalibrationSample
from laserve.core.manifest import Manifest, ReferenceConstant
from laserve.core.reliability import reliability, wilson_interval
from laserve.core.score_histogram import BINS, score_histogram

CALIBRATION = PlattCalibration(ece=0.0, fitted_on="test", a=4.0, b=-2.0)


def drawn(count: int) -> tuple[CalibrationSample, ...]:
    random = np.random.default_rng(0)
    scores = random.uniform(-0.5, 1.5, count)
    return tuple(
        CalibrationSample(
            problem="p",
            score=float(score),
            answer_group=0,
            correct=bool(random.random() < CALIBRATION.confidence(float(score))),
        )
        for score in scores
    )


def test_bins_count_every_sample_and_hold_their_own_confidences() -> None:
    samples = drawn(500)
    bins = list(reliability(samples, CALIBRATION))
    assert sum(one.count for one in bins) == 500
    assert [int(one.confidence * 10) for one in bins] == list(range(10))
    right = sum(one.accuracy * one.count for one in bins)
    assert right == pytest.approx(sum(sample.correct for sample in samples))
    assert all(one.low <= one.accuracy <= one.high for one in bins)


@pytest.mark.parametrize(("right", "count"), [(0, 5), (5, 5), (3, 8), (40, 41)])
def test_an_interval_is_wilsons(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert wilson_interval(right / count, count) == pytest.approx(tuple(expected), abs=1e-12)


def manifest(**fields: object) -> Manifest:
    plain = Manifest(
        checkpoint="test",
        z_c=5,
        z_c_token="<z>",
        eos_token_ids=(4,),
        c_ref=ReferenceConstant(mean=-9.0, std=1.0, count=10),
        beta_v=0.1,
        base_model="base",
    )
    return plain.model_copy(update=fields)


def test_a_histogram_is_numpys_of_judged_samples_or_of_reference_scores() -> None:
    samples = drawn(300)
    scores = [sample.score for sample in samples]
    found = score_histogram(manifest(calibration_samples=samples))
    assert found is not None
    assert found.right is not None
    assert found.wrong is not None
    expected, _ = np.histogram(scores, bins=BINS)
    assert found.all == list(expected)
    both = [right + wrong for right, wrong in zip(found.right, found.wrong, strict=True)]
    assert both == found.all
    unjudged = score_histogram(manifest(reference_scores=tuple(scores)))
    assert unjudged is not None
    assert (unjudged.right, unjudged.all) == (None, found.all)
    assert score_histogram(manifest()) is None
    one = score_histogram(manifest(reference_scores=(0.3,)))
    assert one is not None
    assert sum(one.all) == 1
