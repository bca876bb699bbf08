"""Calibration: from a self-reward score to the probability that the completion is correct.

Fitted by training on held-out completions; part of the checkpoint manifest.
"""

import math
from bisect import bisect_right
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class _Fit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    ece: Probability
    """Expected calibration error on the set that it was fitted on, or held out from it."""
    fitted_on: str
    """Name of the data set."""


class IsotonicCalibration(_Fit):
    """Isotonic regression: linear between the knots, constant outside of them."""

    kind: Literal["isotonic"] = "isotonic"
    scores: tuple[float, ...] = Field(min_length=1)
    """Knots on the score axis, strictly rising."""
    probabilities: tuple[Probability, ...] = Field(min_length=1)
    """Probability at each knot, never falling."""

    @model_validator(mode="after")
    def _knots_rise(self) -> Self:
        if len(self.scores) != len(self.probabilities):
            raise ValueError("scores and probabilities must have the same length")
        if any(b <= a for a, b in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("scores must rise strictly")
        if any(b < a for a, b in zip(self.probabilities, self.probabilities[1:], strict=False)):
            raise ValueError("probabilities must not fall")
        return self

    def confidence(self, score: float) -> float:
        """Probability of being correct at this finite score."""
        right = bisect_right(self.scores, score)
        if right == 0:
            return self.probabilities[0]
        if right == len(self.scores):
            return self.probabilities[-1]
        low, high = self.probabilities[right - 1], self.probabilities[right]
        start, end = self.scores[right - 1], self.scores[right]
        # Kept between its knots: rounding must not lift a value over its neighbour.
        return min(high, low + (high - low) * ((score - start) / (end - start)))


class PlattCalibration(_Fit):
    """Platt scaling: sigmoid(a * score + b)."""

    kind: Literal["platt"] = "platt"
    a: float = Field(ge=0.0)
    """Slope; a falling one would turn the score around."""
    b: float

    def confidence(self, score: float) -> float:
        """Probability of being correct at this finite score."""
        x = self.a * score + self.b
        # exp only of what is not positive, which cannot overflow.
        if x >= 0:
            return 1.0 / (1.0 + math.exp(-x))
        return math.exp(x) / (1.0 + math.exp(x))


Calibration = Annotated[IsotonicCalibration | PlattCalibration, Field(discriminator="kind")]
