"""Bootstrap over problems: the figure itself, its interval, what is undefined."""

import math

import numpy as np
import pytest

from laserve.errors import DataError
from laserve_training.evaluation.bootstrap import Bootstrap, Interval, ratio
from laserve_training.evaluation.samples import Floats


def test_value_is_the_figure_of_the_problems_themselves() -> None:
    assert Bootstrap(4).mean(np.array([0.0, 1.0, 1.0, 0.5])).value == 0.625


def test_interval_of_a_mean_is_the_normal_one_for_many_problems() -> None:
    values = np.random.default_rng(1).random(400)
    interval = Bootstrap(400, resamples=4000).mean(values)
    half = 1.96 * values.std() / math.sqrt(400)
    # The percentile of 4000 draws is known to about 3 % of the half width, four times over.
    assert interval.low == pytest.approx(values.mean() - half, abs=0.12 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.12 * half)


def test_interval_is_that_of_a_loop_over_resampled_problems() -> None:
    values = np.random.default_rng(2).random(30)
    draws = np.random.default_rng(3).integers(0, 30, size=(4000, 30))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    interval = Bootstrap(30, resamples=4000).mean(values)
    # Two independent sets of 4000 draws: as above.
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.12 * (high - low) / 2)


def test_problems_are_resampled_as_a_whole() -> None:
    """Each resample counts as many problems as there are."""
    seen: list[Floats] = []

    def statistic(weights: Floats) -> Floats:
        seen.append(weights)
        return np.zeros(len(weights))

    Bootstrap(7, resamples=250).interval(statistic)
    weights = np.concatenate(seen[1:])  # the first call is for the figure itself
    assert weights.shape == (250, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == np.round(weights)).all()


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(0).random(20)
    assert Bootstrap(20, seed=5).mean(values) == Bootstrap(20, seed=5).mean(values)
    assert Bootstrap(20, seed=5).mean(values) != Bootstrap(20, seed=6).mean(values)


def test_undefined_problems_are_left_out_of_a_mean() -> None:
    assert Bootstrap(3).mean(np.array([0.25, math.nan, 0.75])).value == 0.5


def test_a_figure_that_is_undefined_has_no_interval() -> None:
    interval = Bootstrap(2).mean(np.array([math.nan, math.nan]))
    assert all(map(math.isnan, (interval.value, interval.low, interval.high)))
    assert str(interval) == "–"


def test_interval_reads_as_value_and_bounds() -> None:
    assert str(Interval(0.5, 0.25, 1.0)) == "0.500 [0.250, 1.000]"


def test_no_problem_is_refused() -> None:
    with pytest.raises(DataError, match="sample at least one"):
        Bootstrap(0)


def test_ratio_is_undefined_where_the_denominator_is_zero() -> None:
    quotients = ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    assert quotients[0] == 0.25
    assert math.isnan(quotients[1])


def test_a_ratio_of_means_is_paired_by_problem() -> None:
    values = np.random.default_rng(2).random(30)
    interval = Bootstrap(30).ratio_of_means(2 * values, values)
    # Each resample has the same problems above and below.
    assert (interval.value, interval.low, interval.high) == pytest.approx((2.0, 2.0, 2.0))
