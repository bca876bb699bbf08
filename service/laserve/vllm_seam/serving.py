"""vLLM's serving objects, which make HTTP answers out of generations: the engine that they hold,
what they read off a request, and the text of the streams that they write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import State
from vllm.engine.protocol import EngineClient
from vllm.entrypoints.generate.base.serving import GenerateBaseServing
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
from vllm.lora.request import LoRARequest
from vllm.parser.abstract_parser import Parser

from laserve.errors import ConfigurationError

LAST_CHUNK = '"finish_reason":"'
"""Occurs in the last chunk of a choice only: elsewhere the value is null, and inside of text the
quotation marks are escaped."""

ANY_CHUNK = "data: {"
"""Begins every chunk of an answer, and not the end of the stream."""

MESSAGE_END = "event: message_delta\n"
"""Begins the event that carries a message's stop reason."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What vLLM reads off a request before it asks its engine for a generation."""

    adapter: LoRARequest | None
    priority: int
    trace_headers: Mapping[str, str] | None
    model: str
    """The name that is answered."""
    request_id: str
    """Without the prefix of its route."""


async def asked(
    serving: OpenAIServingChat | OpenAIServingCompletion,
    request: ChatCompletionRequest | CompletionRequest,
    raw_request: Request,
) -> Asked:
    """Read it as `create_chat_completion` and `create_completion` do. Raises vLLM's own errors."""
    adapter = serving._maybe_get_adapters(
        request, supports_default_mm_loras=isinstance(serving, OpenAIServingChat)
    )
    return Asked(
        adapter=adapter,
        priority=serving._get_priority(request, raw_request),
        trace_headers=await serving._get_trace_headers(raw_request.headers),
        model=serving.models.model_name(adapter),
        request_id=str(serving._base_request_id(raw_request)),
    )


def new_parser(serving: OpenAIServingChat, request: ChatCompletionRequest) -> Parser | None:
    """What makes a message, its reasoning and its tool calls out of one generated text; it keeps a
    state. None where the text is the message."""
    if serving.parser_cls is None:
        return None
    kwargs = serving._effective_chat_template_kwargs(request)
    return serving._make_parser(request, serving.renderer.get_tokenizer(), kwargs)


def share_engine(state: State, engine: EngineClient, ours: object) -> None:
    """Put ``ours`` in the place of ``engine`` in every object of vLLM's server that holds it.

    ``state`` is vLLM's `app.state`. Looks for the engine itself and not for an attribute's name,
    also inside of what the serving objects are made of.

    Raises ConfigurationError where an object that generates has its engine in another way: what it
    generates would never be scored, nor moved to another checkpoint.
    """
    holders = list(_parts(state))
    for holder in (state, *holders):
        for name, value in list(_fields(holder).items()):
            if value is engine:
                setattr(holder, name, ours)
    generating = [one for one in holders if isinstance(one, GenerateBaseServing)]
    missed = {
        type(one).__name__ for one in generating if _fields(one).get("engine_client") is not ours
    }
    if missed or not generating:
        raise ConfigurationError(
            f"the installed vLLM has its engine elsewhere than LaServe looks for it "
            f"({', '.join(sorted(missed)) or 'no serving object'}), so that answers would go "
            "unscored: install a vLLM release that LaServe supports"
        )


def _parts(state: State) -> Iterator[object]:
    """Whatever is on the state, and inside of it what belongs to vLLM's server."""
    waiting: list[object] = list(_fields(state).values())
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting.extend(
            value
            for value in _fields(part).values()
            if type(value).__module__.startswith("vllm.entrypoints.")
        )


def _fields(part: object) -> dict[str, object]:
    if isinstance(part, State):
        return {name: part[name] for name in part}
    return getattr(part, "__dict__", {})
