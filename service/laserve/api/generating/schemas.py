"""vLLM's request and response schemas with what LaServe adds to them.

The requests are parsed with these classes. The responses are vLLM's own objects, to which the
rewards are added as they are written out; their classes here describe that to the OpenAPI document.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    create_model,
    model_validator,
)
from vllm.entrypoints.anthropic.protocol import AnthropicMessagesRequest, AnthropicMessagesResponse
from vllm.entrypoints.openai.chat_completion.protocol import (
    BatchChatCompletionRequest,
    ChatCompletionRequest,
    ChatCompletionResponse,
    ChatCompletionResponseChoice,
)
from vllm.entrypoints.openai.completion.protocol import (
    CompletionRequest,
    CompletionResponse,
    CompletionResponseChoice,
)
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest, ResponsesResponse
from vllm.entrypoints.openai.responses.utils import should_continue_final_message

from laserve.api.wire.fields import refuse_best_of, refuse_lookalikes, without_nulls
from laserve.core.types import SelfReward
from laserve.errors import RequestError
from laserve.selection.options import SelectionOptions
from laserve.selection.outcome import SelectionOutcome

MAX_SEQUENCES = 1024
"""Prompts times n of one request. They are scheduled first come, first served: everybody else
waits behind them."""

LengthPenalty = Annotated[float, Field(ge=-100.0, le=100.0)]
"""Of beam search. Lengths are raised to its power, which must stay a number."""


class ScoredRequest(BaseModel):
    """The fields that every scored route adds to vLLM's request."""

    # vLLM ignores fields that it does not know. They are kept here, so that ours can be checked.
    model_config = ConfigDict(extra="allow")
    # vLLM caches the names that it knows per class, and a subclass would inherit its parent's.
    field_names: ClassVar[set[str] | None] = None

    self_reward: Annotated[bool, Field(strict=True)] = Field(
        default=True,
        description="Whether to answer with the model's own score of each completion. "
        "False is plain vLLM, at no cost.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _blame_the_request(cls, data: Any, parse: ModelWrapValidatorHandler[Self]) -> Self:
        """vLLM's own validators look into raw JSON, and stumble where it has another shape."""
        try:
            return parse(without_nulls(ScoredRequest, data))
        except (AttributeError, IndexError, KeyError, TypeError, RecursionError) as error:
            _check_each_field(cls, data)
            raise ValueError("a field has another shape than it should have") from error

    @property
    def scorable(self) -> bool:
        """Whether this kind of request has completions that can be scored."""
        return True

    def refuse_unfit(self) -> None:
        """Raise RequestError for what vLLM would take and then fail on, or answer otherwise."""
        refuse_lookalikes(self.model_extra or {})
        refuse_best_of(getattr(self, "best_of", None), getattr(self, "n", None) or 1)


def _without_null_options(data: Any) -> Any:
    return without_nulls(SelectionOptions, data)


class SelectableRequest(ScoredRequest):
    """A request whose answer can be selected among samples."""

    selection: Annotated[SelectionOptions | None, BeforeValidator(_without_null_options)] = Field(
        default=None,
        description="Draw several samples and answer with one of them. null: one sample. An "
        "option that is null has its default.",
    )

    if TYPE_CHECKING:  # vLLM's, of which every subclass is one
        model: str | None
        n: Any  # int, and None too for chat
        request_id: str
        seed: int | None
        stream: bool | None
        use_beam_search: bool

    def refuse_unfit(self) -> None:
        """Refuses selections that contradict the rest of the request, too."""
        super().refuse_unfit()
        if self.selection is None:
            return
        if (self.n or 1) > 1:
            raise RequestError(
                f"n={self.n} with a selection, whose answer is one choice: leave n out and set "
                "selection.n_max; selection.return_candidates lists all samples",
                "n",
            )
        if self.use_beam_search:
            raise RequestError(
                "use_beam_search with a selection: a beam is no sample. Leave one of them out",
                "use_beam_search",
            )
        if self.selection.needs_scores and not self.self_reward:
            raise RequestError(
                f"self_reward=false with a selection by {self.selection.method.value}, which needs "
                "scores: leave self_reward out, or use the method majority without min_confidence "
                "and max_risk",
                "self_reward",
            )
        if self.selection.posterior is not None and not self.selection.is_vote:
            raise RequestError(
                "posterior with best_of_n: there is no vote to be won. Use min_confidence",
                "selection.posterior",
            )


class ScoredChatCompletionRequest(SelectableRequest, ChatCompletionRequest):
    """Body of POST /v1/chat/completions."""

    length_penalty: LengthPenalty = 1.0

    @property
    def scorable(self) -> bool:
        """Beam search takes its tokens from many short generations, none of which is the answer."""
        return not self.use_beam_search


class ScoredCompletionRequest(SelectableRequest, CompletionRequest):
    """Body of POST /v1/completions."""

    length_penalty: LengthPenalty = 1.0

    def refuse_unfit(self) -> None:
        """Refuses more sequences than a queue that others wait in can bear, too."""
        super().refuse_unfit()
        prompts = 1
        if isinstance(self.prompt, list) and self.prompt and not isinstance(self.prompt[0], int):
            prompts = len(self.prompt)
        if prompts * (self.n or 1) > MAX_SEQUENCES:
            raise RequestError(
                f"{prompts} prompts with n={self.n} are more than {MAX_SEQUENCES} sequences: "
                "spread them over several requests",
                "n",
            )
        if self.selection is not None and prompts > 1:
            raise RequestError(
                f"{prompts} prompts with a selection, whose answer is one choice: send a request "
                "for each prompt",
                "prompt",
            )

    @property
    def scorable(self) -> bool:
        """As in chat; and an echo without generation has no completion."""
        return not (self.use_beam_search or (self.echo and self.max_tokens == 0))


class ScoredBatchRequest(ScoredRequest, BatchChatCompletionRequest):
    """Body of POST /v1/chat/completions/batch: a conversation for each choice."""

    def refuse_unfit(self) -> None:
        """Refuses more conversations than a queue that others wait in can bear, too."""
        super().refuse_unfit()
        if len(self.messages) > MAX_SEQUENCES:
            raise RequestError(
                f"{len(self.messages)} conversations are more than {MAX_SEQUENCES}: spread them "
                "over several requests",
                "messages",
            )


class ScoredResponsesRequest(ScoredRequest, ResponsesRequest):
    """Body of POST /v1/responses."""

    def refuse_unfit(self) -> None:
        """Refuses an empty message to be continued, too, and a score that would come too late."""
        super().refuse_unfit()
        if self.background and self.self_reward and "self_reward" in self.model_fields_set:
            raise RequestError(
                "self_reward with background: such a response is answered before there is "
                "anything to score. Leave one of them out",
                "self_reward",
            )
        if (
            not isinstance(self.input, str)
            and should_continue_final_message(self.input)
            and not _field(self.input[-1], "content")
        ):
            raise RequestError("the last item of input has no content to continue", "input")

    @property
    def scorable(self) -> bool:
        """A background response is answered before it is generated."""
        return not self.background


class ScoredMessagesRequest(ScoredRequest, AnthropicMessagesRequest):
    """Body of POST /v1/messages."""


class ScoredAnswer(BaseModel):
    """The field that LaServe adds to what it answers."""

    self_reward: SelfReward | None = Field(
        default=None,
        description="The model's own verdict; left out where the request said "
        "`self_reward: false`.",
    )


class ScoredChatCompletionChoice(ScoredAnswer, ChatCompletionResponseChoice):
    """One choice of a chat completion, with its self-reward."""


class SelectedAnswer(BaseModel):
    """The field that a selection adds to the answer."""

    selection: SelectionOutcome | None = Field(
        default=None, description="How the answer was chosen, where the request asked for that."
    )


class ScoredChatCompletionResponse(SelectedAnswer, ChatCompletionResponse):
    """Answer of POST /v1/chat/completions."""

    choices: list[ScoredChatCompletionChoice]  # type: ignore[assignment]


class ScoredCompletionChoice(ScoredAnswer, CompletionResponseChoice):
    """One choice of a completion, with its self-reward."""


class ScoredCompletionResponse(SelectedAnswer, CompletionResponse):
    """Answer of POST /v1/completions."""

    choices: list[ScoredCompletionChoice]  # type: ignore[assignment]


class ScoredResponsesResponse(ScoredAnswer, ResponsesResponse):
    """Answer of POST /v1/responses."""


class ScoredMessagesResponse(ScoredAnswer, AnthropicMessagesResponse):
    """Answer of POST /v1/messages."""


def _field(item: object, name: str) -> object:
    """A field of an input item, which vLLM keeps as an object or as a dict."""
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


def _check_each_field(schema: type[BaseModel], data: Any) -> None:
    """Raise pydantic's ValidationError for the first field that is wrong by itself."""
    for name, field in schema.model_fields.items() if isinstance(data, dict) else ():
        if name in data:
            alone = create_model("Request", **{name: (field.annotation, field)})  # type: ignore[call-overload]
            alone.model_validate({name: data[name]})
