"""What the server sends, as far as it is read."""

from typing import Any

from pydantic import BaseModel, Field

from laserve_client._errors import InvalidResponseError
from laserve_client._types import Answer, Selected, Selection, SelfReward, ToolCall, Usage


class Function(BaseModel):
    """The tool of a tool call."""

    name: str
    arguments: str


class CalledTool(BaseModel):
    """A tool call of a message."""

    id: str | None = None
    function: Function


class Message(BaseModel):
    """A message of the model."""

    content: str | None = None
    tool_calls: list[CalledTool] | None = None


class Choice(BaseModel):
    """One answer."""

    message: Message
    finish_reason: str | None = None
    self_reward: SelfReward | None = None


class Completion(BaseModel):
    """The body of a chat completion."""

    model: str
    choices: list[Choice] = Field(min_length=1)
    usage: Usage | None = None
    selection: Selection | None = None


class Models(BaseModel):
    """The body of GET /v1/models."""

    class Item(BaseModel):
        """One of them."""

        id: str

    data: list[Item] = Field(min_length=1)


class GivenScores(BaseModel):
    """The body of POST /v1/self_reward."""

    class Item(BaseModel):
        """One of them."""

        index: int
        self_reward: SelfReward

    data: list[Item]
    prompt_form: str | None = None
    warning: str | None = None


class Ranking(BaseModel):
    """The body of POST /v1/rerank."""

    class Item(BaseModel):
        """One of them."""

        index: int
        relevance_score: float | None
        self_reward: SelfReward

    results: list[Item]


class FunctionDelta(BaseModel):
    """More of a tool call."""

    name: str | None = None
    arguments: str | None = None


class ToolDelta(BaseModel):
    """More of the tool call at `index`."""

    index: int
    id: str | None = None
    function: FunctionDelta = FunctionDelta()


class Delta(BaseModel):
    """More of a message."""

    content: str | None = None
    tool_calls: list[ToolDelta] | None = None


class ChunkChoice(BaseModel):
    """More of one answer."""

    index: int
    delta: Delta
    finish_reason: str | None = None
    self_reward: SelfReward | None = None


class Chunk(BaseModel):
    """One event of a streamed chat completion."""

    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    selection: Selection | None = None


def answer_of(completion: Completion, raw: dict[str, Any]) -> Answer:
    """The first choice; a `Selected` where the server selected it."""
    choice = completion.choices[0]
    fields: dict[str, Any] = {
        "text": choice.message.content or "",
        "tool_calls": [
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in choice.message.tool_calls or []
        ],
        "finish_reason": choice.finish_reason,
        "self_reward": choice.self_reward,
        "model": completion.model,
        "usage": completion.usage,
        "raw": raw,
    }
    if completion.selection is None:
        return Answer(**fields)
    return Selected(selection=completion.selection, **fields)


def selected(answer: Answer) -> Selected:
    """`answer`, which is to be selected. Raises InvalidResponseError where it is not."""
    if not isinstance(answer, Selected):
        raise InvalidResponseError("the answer has no 'selection': is this server a LaServe?")
    return answer
