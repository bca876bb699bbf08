"""What goes into a call and what comes out of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Prompt = str | Sequence[Mapping[str, Any]]
"""A question, sent as a user's message, or the messages of a conversation in OpenAI's form."""

Document = str | Mapping[str, Any]
"""A candidate answer: its text, or an object with the text as "text"."""

LoadStrategy = Literal["auto", "side_by_side", "in_place"]
"""How the server takes a checkpoint up: in a second engine beside the one that serves, in place of
its weights, or (auto) beside it where the memory holds both."""


class _Result(BaseModel):
    # Fields that a newer server adds are kept.
    model_config = ConfigDict(frozen=True, extra="allow")


class SelfReward(_Result):
    """The model's own verdict on one completion."""

    score: float | None
    """The self-reward score, unbounded below; above 0.5 predicts correct. None: not scored."""
    logprob: float | None
    """Log-probability of z_c after the completion's EOS, nats."""
    confidence: float | None = None
    """Calibrated probability of being correct; None without a calibration."""
    status: str
    """`scored`, or why not: `truncated`, `stop_string`, ..."""
    method: str | None = None
    """`in_flight` or `post_hoc`."""
    checkpoint: str | None = None
    """The checkpoint that scored."""
    checkpoint_version: int | None = None
    """Which of the checkpoints that the server made active, from 1: they may share a name."""
    weights: str | None = None
    """A short hash of its weights."""


class Scores(list[SelfReward]):
    """The verdicts on given texts, in their order.

    Attributes: `prompt_form`, what they were scored after: `chat_template`, the messages through
    the model's own, `raw_text` or `token_ids`; `warning`, where the server doubts that this was
    meant. Both are None where an older server does not say.
    """

    def __init__(
        self,
        rewards: Iterable[SelfReward] = (),
        *,
        prompt_form: str | None = None,
        warning: str | None = None,
    ) -> None:
        super().__init__(rewards)
        self.prompt_form = prompt_form
        self.warning = warning


class Usage(_Result):
    """Tokens that a request took; those of every sample."""

    prompt_tokens: int
    completion_tokens: int | None = None
    total_tokens: int


class ToolCall(_Result):
    """A tool that the model calls. `arguments` is JSON as the model wrote it."""

    id: str | None = None
    name: str
    arguments: str


class Vote(_Result):
    """One answer that samples voted for."""

    answer: str
    count: int
    weight: float | None
    """What the method ranks by; None where best_of_n has no score."""


class Unvoted(_Result):
    """Samples that have no vote, by reason."""

    truncated: int
    no_answer: int
    cancelled: int


class Upstream(_Result):
    """What became of an abstained request that went to another model."""

    model: str
    status: str
    """`answered`, `timeout` or `error`."""
    message: str | None = None
    usage: dict[str, Any] | None = None


class Risk(_Result):
    """What bounds `max_risk`."""

    max_risk: float
    delta: float
    min_score: float
    """From which score on it is answered."""
    problems: int
    """Problems of the checkpoint's judged samples."""
    answered: int
    """How many of them would have been answered."""
    wrong: int
    """How many of those wrongly."""


class Candidate(_Result):
    """One sample."""

    index: int
    text: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    answer: str | None
    vote: int | None = None
    """The place of its answer in `votes`; None where it votes for nothing."""
    finish_reason: str | None
    completion_tokens: int
    self_reward: SelfReward | None


class Selection(_Result):
    """How the answer was selected."""

    method: str
    """As it was asked for."""
    applied_method: str | None = None
    """The method that chose: `majority` in place of one that ranks by scores where no vote has a
    score; None where there is no vote."""
    answer: str | None
    """The answer that won, as it was extracted; None where no sample gave one."""
    confidence: float | None
    """Calibrated probability that it is correct; None without a calibration."""
    score: float | None = None
    """Self-reward score of the answer, of the same samples."""
    abstained: bool
    """Whether the answer is not vouched for: no sample gave one, `min_confidence` was not reached,
    or the score that `max_risk` takes."""
    decision: str | None = None
    """`answered`, `abstained`, or `escalated`: the answer is the upstream's."""
    risk: Risk | None = None
    """Only where `max_risk` is asked for."""
    selected_index: int
    votes: tuple[Vote, ...]
    """Best first."""
    samples_used: int
    """One where every other sample would be the same: the stop cause is then `deterministic`."""
    unvoted: Unvoted
    unscored: dict[str, int] = {}
    """Votes without a score, by why: status -> number. A method that ranks by scores gives them no
    weight."""
    completion_tokens: int
    """Of all samples."""
    stop_cause: str
    """`n_max`, `deterministic`, `unassailable`, `posterior`, `min_confidence`, `max_total_tokens`
    or `timeout`."""
    equality_timeouts: int = 0
    """Comparisons of answers by `math` that took too long and were made by `string`."""
    upstream: Upstream | None = None
    candidates: tuple[Candidate, ...] | None = None
    """Only where `return_candidates` asks for them."""


class Answer(_Result):
    """An answer and the model's own verdict on it."""

    text: str
    """Empty where the model only calls tools."""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None
    self_reward: SelfReward | None
    """None where the request turned scoring off."""
    model: str
    usage: Usage | None
    raw: dict[str, Any]
    """The server's JSON; of a stream, the chunk that ended the answer."""

    @property
    def score(self) -> float | None:
        """The self-reward score; None where there is none."""
        return None if self.self_reward is None else self.self_reward.score

    @property
    def confidence(self) -> float | None:
        """Calibrated probability that the answer is correct; None where there is none."""
        return None if self.self_reward is None else self.self_reward.confidence

    def trusted(self, threshold: float) -> bool:
        """Whether the confidence is known and at least `threshold`."""
        return self.confidence is not None and self.confidence >= threshold


class Selected(Answer):
    """The answer that was selected among several."""

    selection: Selection

    @property
    def confidence(self) -> float | None:
        """Calibrated probability that the selected answer is correct, given all samples."""
        return self.selection.confidence

    @property
    def abstained(self) -> bool:
        """Whether no sample gave an answer, or what was asked for of it was not reached."""
        return self.selection.abstained

    def trusted(self, threshold: float) -> bool:
        """Whether the server did not abstain, and the confidence is at least `threshold`."""
        return not self.abstained and super().trusted(threshold)


class Ranked(_Result):
    """One document in its place, best first."""

    index: int
    """Its place in the list that was sent."""
    relevance_score: float | None
    """The self-reward score."""
    text: str
    self_reward: SelfReward


class TextDelta(_Result):
    """More text of a streamed answer."""

    text: str


class Finished(_Result):
    """The end of a streamed answer: the whole of it, a `Selected` where a selection was asked."""

    answer: Answer


Event = TextDelta | Finished


class CheckpointJob(_Result):
    """One load of a checkpoint, and how far it is."""

    id: str
    path: str | None
    """The folder, as the server sees it; None for who may not change what is served."""
    strategy: str
    force: bool = False
    """Whether requests that held it up were to be ended."""
    origin: str
    """`request`, `watch` or `rollback`."""
    state: str
    """`queued`, `verifying`, `loading`, `proving`; at its end `active` or `rejected`."""
    checkpoint: str | None = None
    """Its name; None until its manifest has been read."""
    version: int | None = None
    """Counts what was made active, from 1."""
    weights: str | None = None
    """A short hash of its weights; None until they have been read."""
    asked_by: str | None = None
    """The id of the key that asked for it, for who may change what is served."""
    reason: str | None = None
    """Why it was rejected."""
    created_at: datetime
    ended_at: datetime | None = None
    seconds: dict[str, float] = {}
    """How long each state took."""
    proof: dict[str, Any] | None = None
    """What was shown of it: `files`, `weights`, `computation`. None until it was proven."""

    @property
    def is_rejected(self) -> bool:
        """Whether it was not taken up; what was served before still is."""
        return self.state == "rejected"

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.is_rejected or self.state == "active"


class ActiveCheckpoint(_Result):
    """The checkpoint that answers."""

    checkpoint: str
    version: int
    """Counts what was made active, from 1."""
    weights: str | None = None
    """A short hash of its weights."""
    path: str | None = None
    """The folder, as the server sees it; None for who may not change what is served."""
    requests_in_flight: int
    can_roll_back: bool
    """Whether another one was active before."""


class CheckpointList(_Result):
    """What is served, and what became of every load."""

    object: str = "list"
    active: ActiveCheckpoint
    data: tuple[CheckpointJob, ...]
    """Loads, the newest first."""
