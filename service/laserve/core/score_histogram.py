"""Where the scores of a checkpoint's answers lie."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from laserve.core.manifest import Manifest

BINS = 24
"""Of equal width."""


class ScoreHistogram(BaseModel):
    """How many answers have a score in each of some ranges of equal width."""

    low: float = Field(description="Where the first range begins: the lowest score.")
    high: float = Field(description="Where the last one ends: the highest score.")
    wrong: list[int] | None = Field(description="Wrong answers; null where none was judged.")
    right: list[int] | None = Field(description="Right answers; null where none was judged.")
    all: list[int] = Field(description="Answers, judged or not.")


def score_histogram(manifest: Manifest) -> ScoreHistogram | None:
    """Of the calibration's samples, which were judged, else of the reference scores; None without
    either."""
    judged = manifest.calibration_samples
    scores = [sample.score for sample in judged] or list(manifest.reference_scores)
    if not scores:
        return None
    low, high = min(scores), max(scores)

    def counts(of: Sequence[float]) -> list[int]:
        found = [0] * BINS
        for score in of:
            place = (score - low) / (high - low) if high > low else 0.0
            found[min(int(place * BINS), BINS - 1)] += 1
        return found

    return ScoreHistogram(
        low=low,
        high=high,
        wrong=counts([one.score for one in judged if not one.correct]) if judged else None,
        right=counts([one.score for one in judged if one.correct]) if judged else None,
        all=counts(scores),
    )
