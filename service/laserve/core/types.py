"""The self-reward of one completion, as every answer carries it."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Method(StrEnum):
    """How the log-probability was read."""

    IN_FLIGHT = "in_flight"
    """Inside the same generation, at the step right after the EOS."""
    POST_HOC = "post_hoc"
    """By a second request of prompt + completion + EOS."""


class Status(StrEnum):
    """Whether there is a score, and if not, why not."""

    SCORED = "scored"
    TRUNCATED = "truncated"
    """`max_tokens` or the context limit was reached before an EOS."""
    STOP_STRING = "stop_string"
    """A stop string ended the completion before an EOS."""
    STOP_TOKEN = "stop_token"
    """A stop token that is not an EOS ended the completion."""
    IGNORE_EOS = "ignore_eos"
    """The request ignores the EOS, so no token marks the end of its answer."""
    ABORTED = "aborted"
    """The request was aborted before its completion was finished."""
    CONTEXT_FULL = "context_full"
    """The EOS took the last place of the context: no room to read the score."""
    REPETITION = "repetition"
    """The engine's repetition detection ended the completion."""
    NON_FINITE = "non_finite"
    """The log-probability is infinite or not a number."""
    UNSUPPORTED = "unsupported"
    """A kind of request that cannot be scored, such as beam search."""


class SelfReward(BaseModel):
    """A model's own verdict on one completion that it wrote.

    `score` and `logprob` are numbers exactly where `status` is `scored`, else null.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    score: float | None = Field(
        description="The self-reward score beta_v * (logprob - c_ref); unbounded below."
    )
    logprob: float | None = Field(
        description="Natural log-probability of z_c right after the completion's EOS."
    )
    confidence: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Calibrated probability that the completion is correct; null where the "
        "checkpoint carries no calibration.",
    )
    status: Status = Field(description="Whether there is a score, and if not, why not.")
    method: Method | None = Field(
        description="How the log-probability was read; null where it was not."
    )
    checkpoint: str = Field(description="The name of the checkpoint that wrote and scored.")
    checkpoint_version: int | None = Field(
        default=None,
        description="Which of the checkpoints that were made active, from 1: they may share a "
        "name. Null without a server.",
    )
    weights: str | None = Field(
        default=None,
        description="A short hash of its weights; null where no manifest states their files.",
    )

    @model_validator(mode="after")
    def _numbers_only_where_scored(self) -> Self:
        scored = self.status is Status.SCORED
        if (self.score is not None) != scored or (self.logprob is not None) != scored:
            raise ValueError("score and logprob are numbers exactly where status is 'scored'")
        if self.confidence is not None and not scored:
            raise ValueError("only a scored completion has a confidence")
        return self
