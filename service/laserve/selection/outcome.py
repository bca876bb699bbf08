"""What the response says of a selection: its `selection` field."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from laserve.core.types import SelfReward, Status
from laserve.selection.options import SelectionMethod


class StopCause(StrEnum):
    """Why no more samples were drawn."""

    N_MAX = "n_max"
    """All that were asked for were drawn."""
    DETERMINISTIC = "deterministic"
    """The request leaves nothing to chance: every other sample would be the same."""
    UNASSAILABLE = "unassailable"
    """The samples to come cannot change the answer."""
    POSTERIOR = "posterior"
    """The leader would very probably stay the leader."""
    MIN_CONFIDENCE = "min_confidence"
    """The leading answer is as probably correct as was asked for."""
    MAX_TOTAL_TOKENS = "max_total_tokens"
    TIMEOUT = "timeout"


class Decision(StrEnum):
    """What became of a request."""

    ANSWERED = "answered"
    """With an answer that is vouched for."""
    ABSTAINED = "abstained"
    """With one that is not."""
    ESCALATED = "escalated"
    """With that of the server's upstream."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnswerVotes(_Frozen):
    """One of the answers that samples gave."""

    answer: str
    count: int = Field(description="Samples that gave it.")
    weight: float | None = Field(
        description="What the method ranks by: samples, sum of weights, or highest score; null "
        "where best_of_n has no score."
    )


class Unvoted(_Frozen):
    """Samples that voted for nothing."""

    truncated: int = Field(description="Cut short by a token limit.")
    no_answer: int = Field(description="Complete, without an answer of the kind asked for.")
    cancelled: int = Field(description="Still running when the selection was over.")


class CandidateToolCall(_Frozen):
    """A tool call of a candidate."""

    name: str
    arguments: str


class CandidateReport(_Frozen):
    """One sample, as `return_candidates` lists it."""

    index: int
    text: str
    tool_calls: list[CandidateToolCall]
    answer: str | None
    vote: int | None = Field(
        description="The place in `votes` of what it votes for; null where it votes for nothing."
    )
    finish_reason: str
    completion_tokens: int
    self_reward: SelfReward | None


class SelectionProgress(_Frozen):
    """A selection under way, as a sample has ended."""

    candidate: CandidateReport = Field(description="That sample.")
    votes: list[AnswerVotes] = Field(description="Every answer so far, the leader first.")
    confidence: float | None = Field(description="Of the leader, as the outcome states it.")
    samples_ended: int
    samples_running: int
    completion_tokens: int = Field(description="Of the samples that have ended.")


class UpstreamReport(_Frozen):
    """What became of a request that was forwarded to the server's upstream."""

    model: str
    status: str = Field(
        description="answered: the choices are the upstream's. timeout or error: they are this "
        "server's own."
    )
    message: str | None = Field(default=None, description="What went wrong.")
    usage: dict[str, Any] | None = Field(default=None, description="As the upstream counts it.")


class RiskReport(_Frozen):
    """The bound that `max_risk` was asked for with, and what it rests on."""

    max_risk: float
    delta: float
    min_score: float = Field(description="Self-reward score from which on it is answered.")
    problems: int = Field(description="Problems of the checkpoint's judged samples.")
    answered: int = Field(description="How many of them would have been answered.")
    wrong: int = Field(description="How many of those wrongly.")


class SelectionOutcome(_Frozen):
    """How the answer was chosen."""

    method: SelectionMethod = Field(description="As the request asks.")
    applied_method: SelectionMethod | None = Field(
        description="The method that chose. `majority` in place of one that ranks by scores where "
        "no vote has a score; null where no sample has a vote."
    )
    answer: str | None = Field(description="The winning answer; null where no sample gave one.")
    confidence: float | None = Field(
        description="Calibrated probability that it is correct: the mean over its samples, for "
        "best_of_n that of the winner; null without a calibration."
    )
    score: float | None = Field(
        description="Self-reward score of the answer, of the same samples as the confidence; null "
        "where none has one."
    )
    abstained: bool = Field(
        description="Whether the answer is not vouched for: no sample gave one, its confidence "
        "stayed under `min_confidence`, or its score under that of `max_risk`."
    )
    decision: Decision = Field(
        description="answered, or abstained; escalated where the answer is the upstream's."
    )
    risk: RiskReport | None = Field(
        default=None, description="Where `max_risk` was asked for: what bounds it."
    )
    selected_index: int = Field(description="Number of the sample that is the choice.")
    votes: list[AnswerVotes] = Field(description="Every answer, the winner first.")
    samples_used: int = Field(
        description="Samples started: one where every other would be the same (temperature 0, "
        "top_k 1), which `stop_cause` then says."
    )
    unvoted: Unvoted
    unscored: dict[Status, int] = Field(
        description="Votes without a score, by why they have none. A method that ranks by scores "
        "gives them no weight."
    )
    completion_tokens: int = Field(description="Of all samples, cancelled ones included.")
    stop_cause: StopCause = Field(description="Why no more samples were drawn.")
    equality_timeouts: int = Field(
        description="Answers that `math` took too long for: they were compared by `string` instead."
    )
    upstream: UpstreamReport | None = None
    candidates: list[CandidateReport] | None = None
