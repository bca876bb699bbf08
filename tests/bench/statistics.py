"""Ratios to plain vLLM over the rounds."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """One metric of a contestant over plain vLLM's in the same round."""

    median: float
    lowest: float
    highest: float


def paired_ratio(pairs: Iterable[tuple[float, float]]) -> Ratio:
    """Of (value, plain vLLM's value), one pair for each round."""
    ratios = [value / plain for value, plain in pairs]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
