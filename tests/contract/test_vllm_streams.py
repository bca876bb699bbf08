"""The marks by which we find the last event of a stream, in events as vLLM writes them."""

from collections.abc import Callable

import pytest
from vllm.entrypoints.anthropic.protocol import AnthropicDelta, AnthropicStreamEvent
from vllm.entrypoints.anthropic.serving import wrap_data_with_event
from vllm.entrypoints.generate.base.protocol import DeltaMessage
from vllm.entrypoints.openai.chat_completion.protocol import (
    ChatCompletionResponseStreamChoice,
    ChatCompletionStreamResponse,
)
from vllm.entrypoints.openai.completion.protocol import (
    CompletionResponseStreamChoice,
    CompletionStreamResponse,
)

from laserve.vllm_seam.serving import ANY_CHUNK, LAST_CHUNK, MESSAGE_END

TRICKY = '"finish_reason":"stop"\nevent: message_delta\ndata: {'
"""A text that looks like the marks."""

FINISH_REASONS = ("stop", "length", "tool_calls", "abort", "repetition")


def chat_chunk(finish_reason: str | None) -> str:
    choice = ChatCompletionResponseStreamChoice(
        index=0, delta=DeltaMessage(content=TRICKY), finish_reason=finish_reason
    )
    chunk = ChatCompletionStreamResponse(id="1", created=1, model="tiny", choices=[choice])
    return f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n"


def completion_chunk(finish_reason: str | None) -> str:
    choice = CompletionResponseStreamChoice(index=0, text=TRICKY, finish_reason=finish_reason)
    chunk = CompletionStreamResponse(id="1", created=1, model="tiny", choices=[choice])
    return f"data: {chunk.model_dump_json(exclude_unset=False)}\n\n"


@pytest.mark.parametrize("chunk", [chat_chunk, completion_chunk])
def test_only_the_last_chunk_of_a_choice_has_its_mark(chunk: Callable[[str | None], str]) -> None:
    assert LAST_CHUNK not in chunk(None)
    for reason in FINISH_REASONS:
        assert chunk(reason).count(LAST_CHUNK) == 1
    assert chunk(None).startswith(ANY_CHUNK)
    assert not "data: [DONE]\n\n".startswith(ANY_CHUNK)


def test_only_the_event_with_the_stop_reason_of_a_message_has_its_mark() -> None:
    end = AnthropicStreamEvent(type="message_delta", delta=AnthropicDelta(stop_reason="end_turn"))
    text = AnthropicStreamEvent(
        type="content_block_delta", index=0, delta=AnthropicDelta(type="text_delta", text=TRICKY)
    )
    assert message_event(end).startswith(MESSAGE_END)
    assert MESSAGE_END not in message_event(text)


def message_event(event: AnthropicStreamEvent) -> str:
    return str(wrap_data_with_event(event.model_dump_json(exclude_unset=True), event.type))
