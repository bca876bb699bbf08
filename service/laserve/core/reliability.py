"""How often answers were right, by how probable that was said to be: a reliability diagram (DeGroot
and Fienberg, 1983) of the samples that a calibration was fitted on."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, Field

from laserve.core.calibration import Calibration
from laserve.core.judged import CalibrationSample

BINS = 10
"""Of equal width."""
_Z = 1.959963984540054
"""Of an interval that covers 95 %."""


class ReliabilityBin(BaseModel):
    """Samples whose confidences are near each other."""

    confidence: float = Field(description="Their mean confidence.")
    accuracy: float = Field(description="The share of them that is right.")
    low: float = Field(description="Of the 95 % interval of that share (Wilson's).")
    high: float = Field(description="The same.")
    count: int


def reliability(
    samples: Iterable[CalibrationSample], calibration: Calibration
) -> Iterator[ReliabilityBin]:
    """The bins that have samples, from the lowest confidence to the highest."""
    bins = defaultdict[int, list[tuple[float, bool]]](list)
    for sample in samples:
        confidence = calibration.confidence(sample.score)
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, sample.correct))
    for _, members in sorted(bins.items()):
        count = len(members)
        accuracy = sum(correct for _, correct in members) / count
        low, high = wilson_interval(accuracy, count)
        yield ReliabilityBin(
            confidence=math.fsum(confidence for confidence, _ in members) / count,
            accuracy=accuracy,
            low=low,
            high=high,
            count=count,
        )


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many samples (Wilson, 1927)."""
    spread = _Z * math.sqrt(share * (1 - share) / count + (_Z / (2 * count)) ** 2)
    centre, scale = share + _Z**2 / (2 * count), 1 + _Z**2 / count
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)
