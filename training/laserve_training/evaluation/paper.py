"""What arXiv 2510.14943 (LaSeR) published, to stand beside one's own figures."""

from dataclasses import dataclass

SOURCE = "arXiv 2510.14943"
BENCHMARKS = "MATH500, AMC23, AIME24, AIME25, OlympiadBench"


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """Averages over BENCHMARKS, as fractions."""

    model: str
    accuracy_without: float
    """Of the run that the paper sets LaSeR against."""
    accuracy: float
    f1: float
    """Self-verification F1."""


PUBLISHED = (
    PublishedResult("OctoThinker-3B-Short-Base", accuracy_without=0.308, accuracy=0.328, f1=0.725),
    PublishedResult("Qwen2.5-7B-Base", accuracy_without=0.418, accuracy=0.427, f1=0.796),
)
