"""Recorded samples made by hand."""

from laserve.core.types import Method, SelfReward, Status
from tests.bench.selection.recording import RecordedSample


def recorded(
    text: str,
    tokens: int,
    *,
    score: float = 0.5,
    confidence: float | None = None,
    is_correct: bool = False,
    confidences: tuple[float, ...] | None = None,
    mean_logprob: float = -1.0,
) -> RecordedSample:
    """A sample of so many tokens; `confidences` are DeepConf's, `confidence` the calibrated one."""
    reward = SelfReward(
        score=score,
        logprob=-1.0,
        confidence=confidence,
        status=Status.SCORED,
        method=Method.IN_FLIGHT,
        checkpoint="tiny",
    )
    return RecordedSample(
        token_ids=tuple(range(tokens)),
        text=text,
        reward=reward,
        is_correct=is_correct,
        finish_reason="stop",
        mean_logprob=mean_logprob,
        confidences=(1.0,) * tokens if confidences is None else confidences,
    )
