"""Request and response schemas of text that was written elsewhere."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from laserve.api.generating.schemas import (
    MAX_SEQUENCES,
    ScoredChatCompletionRequest,
    ScoredCompletionRequest,
)
from laserve.api.wire.fields import NullsLeftOut
from laserve.api.wire.parsing import parsed
from laserve.core.types import SelfReward
from laserve.errors import RequestError

CHAT_FIELDS = ("tools", "tool_choice", "reasoning_effort", "chat_template_kwargs")
"""Fields that change how a chat template renders the messages."""

Text = Annotated[str, Field(min_length=0)]
"""Given a limit, if only this one, pydantic checks that the text is valid Unicode."""


class Document(BaseModel):
    """A candidate answer."""

    model_config = ConfigDict(extra="forbid")

    text: Text


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _tokens_of_one_as_list(value: object) -> object:
    return (
        [value] if isinstance(value, list) and value and not isinstance(value[0], list) else value
    )


def _text_as_document(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


# A list stops at its first wrong item: there may be as many as a body has bytes.
TokenIds = Annotated[list[Annotated[int, Field(strict=True)]], Field(min_length=1, fail_fast=True)]
_Several = Field(min_length=1, max_length=MAX_SEQUENCES, fail_fast=True)
Texts = Annotated[
    list[Text],
    _Several,
    BeforeValidator(_one_as_list, json_schema_input_type=str | list[str]),
]
TokenIdsOfTexts = Annotated[
    list[TokenIds],
    _Several,
    BeforeValidator(_tokens_of_one_as_list, json_schema_input_type=list[int] | list[list[int]]),
]
Documents = Annotated[
    list[
        Annotated[
            Document,
            BeforeValidator(_text_as_document, json_schema_input_type=str | Document),
        ]
    ],
    _Several,
]


class PromptForm(StrEnum):
    """How the prompt of a given text became the model's input."""

    CHAT_TEMPLATE = "chat_template"
    """`messages`, through the model's chat template."""
    RAW_TEXT = "raw_text"
    """`prompt`, as it is."""
    TOKEN_IDS = "token_ids"
    """`prompt_token_ids`."""


class GivenTextRequest(NullsLeftOut):
    """What both requests say of the prompt. Unknown fields are refused; null is "not given"."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None
    messages: list[dict[str, Any]] | None = Field(
        default=None, description="A conversation, as in /v1/chat/completions."
    )
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    reasoning_effort: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    cache_salt: Text | None = None
    priority: Annotated[int, Field(strict=True)] = 0

    def chat_request(
        self, messages: list[dict[str, Any]], sequences: int
    ) -> ScoredChatCompletionRequest:
        """vLLM's request for ``sequences`` completions of a conversation.

        Raises RequestValidationError where the messages are malformed.
        """
        fields = self._fields("model", *CHAT_FIELDS, "cache_salt", "priority")
        return parsed(ScoredChatCompletionRequest, fields | {"messages": messages, "n": sequences})

    def _fields(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class SelfRewardRequest(GivenTextRequest):
    """Body of POST /v1/self_reward."""

    prompt: Text | None = Field(
        default=None,
        description="A prompt as in /v1/completions: raw text, which no chat template is put "
        "around. A conversation goes into `messages`; `prompt_form` in the answer says which it "
        "was.",
    )
    prompt_token_ids: TokenIds | None = None
    completion: Texts | None = Field(
        default=None,
        description="What is scored, as the model would have written it: with the marks of its "
        "reasoning and tool calls. It is followed by the model's EOS; an empty one is the EOS "
        "alone.",
    )
    completion_token_ids: TokenIdsOfTexts | None = Field(
        default=None, description="The same as token ids, each ending with an EOS."
    )

    @property
    def sequences(self) -> int:
        """How many completions there are."""
        return len(self.completion or self.completion_token_ids or ())

    @property
    def prompt_form(self) -> PromptForm:
        """Of the one that is given."""
        if self.messages is not None:
            return PromptForm.CHAT_TEMPLATE
        return PromptForm.TOKEN_IDS if self.prompt is None else PromptForm.RAW_TEXT

    def refuse_unfit(self) -> None:
        """Raise RequestError where prompt or completion is missing, or given twice."""
        _require_one(self, "messages", "prompt", "prompt_token_ids")
        _require_one(self, "completion", "completion_token_ids")
        if self.messages is None:
            for name in CHAT_FIELDS:
                if getattr(self, name) is not None:
                    raise RequestError(f"{name} goes with messages only: leave it out", name)

    def completion_request(
        self, prompt: str | list[int], sequences: int
    ) -> ScoredCompletionRequest:
        """vLLM's request for ``sequences`` completions of a prompt.

        Raises RequestValidationError where a field is malformed.
        """
        fields = self._fields("model", "cache_salt", "priority")
        return parsed(ScoredCompletionRequest, fields | {"prompt": prompt, "n": sequences})


class RerankRequest(GivenTextRequest):
    """Body of POST /v1/rerank, /v2/rerank and /rerank."""

    # Cohere's, of texts that are cut: nothing is, here.
    known_as_null = ("max_chunks_per_doc", "max_tokens_per_doc", "rank_fields")

    query: Text | None = Field(default=None, description="The user's question.")
    documents: Documents = Field(description="Candidate answers to it.")
    top_n: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        default=None, description="How many of the best are answered; null is all."
    )
    return_documents: Annotated[bool, Field(strict=True)] = True

    def refuse_unfit(self) -> None:
        """Raise RequestError where the question is missing, or given twice."""
        _require_one(self, "query", "messages")

    def conversation(self) -> list[dict[str, Any]]:
        """The messages that the documents answer."""
        if self.messages is not None:
            return self.messages
        return [{"role": "user", "content": self.query}]


class SelfRewardUsage(BaseModel):
    """Tokens that were read: for each completion its prompt, itself and its EOS."""

    prompt_tokens: int
    total_tokens: int


class SelfRewardItem(BaseModel):
    """The self-reward of one completion."""

    index: int
    object: Literal["self_reward"] = "self_reward"
    self_reward: SelfReward


class SelfRewardResponse(BaseModel):
    """Answer of POST /v1/self_reward, in the order of the completions."""

    id: str
    object: Literal["list"] = "list"
    model: str
    data: list[SelfRewardItem]
    prompt_form: PromptForm = Field(
        description="What the completions were scored after: `messages` through the "
        "chat_template, `prompt` as raw_text, or token_ids."
    )
    warning: str | None = Field(
        default=None,
        description="Where the prompt was raw text, and the model is one that answers "
        "conversations: the scores are of another prompt than its chat template makes.",
        exclude_if=lambda warning: warning is None,
    )
    usage: SelfRewardUsage


class RerankUsage(BaseModel):
    """Tokens that were read: for each document its prompt, itself and its EOS."""

    total_tokens: int


class RerankResult(BaseModel):
    """One document; `document` is left out where the request said `return_documents: false`."""

    index: int
    relevance_score: float | None = Field(
        description="The self-reward score; null where `self_reward.status` says why not."
    )
    document: Document | None = Field(default=None, exclude_if=lambda document: document is None)
    self_reward: SelfReward


class RerankResponse(BaseModel):
    """Answer of the rerank routes: best first, ties by index, what has no score last."""

    id: str
    model: str
    usage: RerankUsage
    results: list[RerankResult]


def _require_one(request: BaseModel, *names: str) -> None:
    given = [name for name in names if getattr(request, name) is not None]
    if len(given) != 1:
        found = f"both {' and '.join(given)} are" if given else "none of them is"
        raise RequestError(f"give exactly one of {', '.join(names)}: {found} given", names[0])
