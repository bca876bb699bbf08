"""95 % intervals by resampling problems.

Problems are resampled, not samples: the samples of one problem are alike. A figure is a function
of weights, how many times each problem counts, so one call computes many resamples at once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator

from laserve.errors import DataError
from laserve_training.evaluation.samples import Floats

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A float that JSON holds as null where it is NaN."""

Statistic = Callable[[Floats], Floats]
"""From weights_RP, how many times each of P problems counts in each of R resamples, to the R values
of a figure; NaN where it is undefined."""

RESAMPLES = 2000
_BLOCK = 100
"""Resamples to a call: bounds the memory of statistics that need R times all samples."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % bootstrap interval; NaN where undefined."""

    value: Number
    low: Number
    high: Number

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "–"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Bootstrap:
    """Percentile intervals. Every figure sees the same resamples: differences are paired."""

    def __init__(self, problems: int, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        """Raises DataError without a problem."""
        if problems < 1:
            raise DataError("there is no problem to compute figures from: sample at least one")
        draws_RP = np.random.default_rng(seed).multinomial(
            problems, np.full(problems, 1 / problems), size=resamples
        )
        self._weights_RP: Floats = draws_RP.astype(np.float64)

    def interval(self, statistic: Statistic) -> Interval:
        """The figure, and the 2.5th and 97.5th percentile of it over the resamples.

        Resamples where it is undefined (of one class only, say) are left out.
        """
        resamples, problems = self._weights_RP.shape
        value = float(statistic(np.ones((1, problems)))[0])
        values_R = np.concatenate(
            [statistic(self._weights_RP[i : i + _BLOCK]) for i in range(0, resamples, _BLOCK)]
        )
        defined = values_R[~np.isnan(values_R)]
        if math.isnan(value) or not defined.size:
            return Interval(value, math.nan, math.nan)
        low, high = np.percentile(defined, [2.5, 97.5])
        return Interval(value, float(low), float(high))

    def mean(self, values_P: Floats) -> Interval:
        """Of the mean over the problems where the value is defined."""
        defined_P = ~np.isnan(values_P)
        known_P = np.where(defined_P, values_P, 0.0)
        return self.interval(lambda weights_RP: ratio(weights_RP @ known_P, weights_RP @ defined_P))

    def ratio_of_means(self, numerator_P: Floats, denominator_P: Floats) -> Interval:
        """Of the quotient of two means over the same problems; no value may be NaN."""
        return self.interval(
            lambda weights_RP: ratio(weights_RP @ numerator_P, weights_RP @ denominator_P)
        )


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Elementwise quotient of the same shape; NaN where the denominator is not above 0."""
    quotient: Floats = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
