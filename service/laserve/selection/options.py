"""What a request asks of selection: its `selection` field."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SelectionMethod(StrEnum):
    """How one of N samples is chosen; `voting` defines each."""

    MAJORITY = "majority"
    WEIGHTED_MAJORITY = "weighted_majority"
    BEST_OF_N = "best_of_n"


class Weights(StrEnum):
    """What a sample's vote weighs in a weighted majority."""

    SCORE = "score"
    """The self-reward score clipped to [0, 1] (arXiv 2510.14943)."""
    CONFIDENCE = "confidence"
    """The calibrated probability of being correct."""


class SelectionOptions(BaseModel):
    """Draw up to `n_max` samples of one prompt and answer with one of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: SelectionMethod = Field(
        default=SelectionMethod.WEIGHTED_MAJORITY,
        description="majority: the answer that most samples give. weighted_majority: the answer "
        "whose samples have the largest sum of weights. best_of_n: the sample with the highest "
        "self-reward score. Ties go to the answer of more samples, then to the smaller SHA-256 of "
        "the request's seed and the answer. Votes without a score, such as those of samples that "
        "a stop string ended, weigh nothing; where none has one, the majority chooses, and the "
        "response says so in `applied_method`.",
    )
    n_max: int = Field(
        default=8,
        ge=1,
        strict=True,
        description="The most samples to draw. One is drawn where every other would be the same: "
        "at temperature 0, with top_k 1.",
    )
    n_parallel: int | None = Field(
        default=4,
        ge=1,
        strict=True,
        description="Samples in flight at a time. Each that ends decides whether another one "
        "starts: 1 spends the fewest tokens, n_max (all at once) the least time.",
    )
    answer: str = Field(
        default="text",
        description="The answer that a sample votes for: text (all of it), boxed, last_number, "
        "choice, regex:PATTERN (RE2), json:PATH (RFC 9535, one value), tool_call, tool_name, or "
        "plugin:NAME. A sample without one votes for nothing; where no sample has one, the "
        "response says `abstained`.",
    )
    equality: Literal["string", "math"] = Field(
        default="string",
        description="When two answers are the same: where their texts are, but for white space "
        "and marks around them (string), or what they say as mathematics (math).",
    )
    weights: Weights = Field(default=Weights.SCORE, description="Of weighted_majority.")
    adaptive: bool = Field(
        default=True,
        strict=True,
        description="Stop when the samples to come cannot change the answer. False draws n_max "
        "samples unless another limit is met.",
    )
    posterior: float | None = Field(
        default=None,
        ge=0.5,
        lt=1.0,
        description="Stop when the posterior probability that the leading answer beats the next "
        "one, were sampling to go on for ever, is at least this.",
    )
    min_confidence: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Stop when the leading answer's confidence reaches this; where it never does, "
        "the response says `abstained`. Needs a checkpoint with a calibration.",
    )
    max_risk: float | None = Field(
        default=None,
        gt=0.0,
        lt=1.0,
        description="Abstain where the answer's score is below the least one at which, of what is "
        "answered, this share is wrong at most. Bounded from the checkpoint's judged samples for "
        "this method, n_max, stopping rule, answer and temperature; refused where they cannot. "
        "Samples are counted in the order in which they are drawn. With n_max 1 it is the bound "
        "of single answers.",
    )
    delta: float = Field(
        default=0.1,
        gt=0.0,
        lt=1.0,
        description="Of max_risk: how probable it is at most, over the choice of those samples, "
        "that the bound does not hold.",
    )
    max_total_tokens: int | None = Field(
        default=None,
        ge=1,
        strict=True,
        description="Completion tokens of all samples after which no more are drawn and the "
        "running ones are cancelled.",
    )
    timeout_s: float | None = Field(
        default=None, gt=0.0, le=86400.0, description="Seconds after which the same happens."
    )
    escalate: bool = Field(
        default=True,
        strict=True,
        description="Whether an abstained request may be forwarded to the server's upstream, "
        "where it has one.",
    )
    return_candidates: bool = Field(
        default=False, strict=True, description="Whether the response lists every sample."
    )

    @property
    def parallel(self) -> int:
        """Samples in flight at a time."""
        return self.n_max if self.n_parallel is None else min(self.n_parallel, self.n_max)

    @property
    def is_vote(self) -> bool:
        """Whether answers are voted on."""
        return self.method != SelectionMethod.BEST_OF_N

    @property
    def needs_scores(self) -> bool:
        """Whether the samples must be scored for this."""
        ranks = self.method != SelectionMethod.MAJORITY
        return ranks or self.min_confidence is not None or self.max_risk is not None

    @property
    def needs_confidence(self) -> bool:
        """Whether the checkpoint must carry a calibration for this."""
        weighs = self.method == SelectionMethod.WEIGHTED_MAJORITY
        return self.min_confidence is not None or (weighs and self.weights == Weights.CONFIDENCE)
