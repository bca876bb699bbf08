"""What a streamed selection tells comes before its answer, and ends with it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fastapi import Request

from laserve.api.generating.progress import Progress
from laserve.api.generating.schemas import ScoredChatCompletionRequest
from laserve.selection.outcome import CandidateReport, SelectionProgress

pytestmark = pytest.mark.asyncio


def told(index: int) -> SelectionProgress:
    candidate = CandidateReport(
        index=index,
        text="7",
        tool_calls=[],
        answer="7",
        vote=0,
        finish_reason="stop",
        completion_tokens=1,
        self_reward=None,
    )
    return SelectionProgress(
        candidate=candidate,
        votes=[],
        confidence=None,
        samples_ended=index + 1,
        samples_running=0,
        completion_tokens=index + 1,
    )


def progress() -> Progress:
    asked = {"model": "tiny", "messages": [{"role": "user", "content": "3 + 4?"}], "stream": True}
    scope: dict[str, Any] = {"type": "http", "headers": [(b"x-request-id", b"one")]}
    return Progress(ScoredChatCompletionRequest.model_validate(asked), Request(scope))


async def test_each_is_sent_at_once_and_before_the_first_event() -> None:
    telling, go_on = progress(), asyncio.Event()

    async def events() -> AsyncGenerator[str, None]:
        telling.tell(told(0))
        await go_on.wait()
        telling.tell(told(1))
        telling.tell(told(2))
        yield "first"
        yield "last"

    stream = telling.before(events())
    chunk = json.loads((await anext(stream)).removeprefix("data: "))
    assert (chunk["id"], chunk["model"], chunk["choices"]) == ("chatcmpl-one", "tiny", [])
    assert chunk["selection_progress"]["samples_ended"] == 1
    go_on.set()
    rest = [event async for event in stream]
    assert ["selection_progress" in event for event in rest] == [True, True, False, False]
    assert rest[2:] == ["first", "last"]


async def test_what_fails_is_raised_after_what_was_told() -> None:
    telling = progress()

    async def failing() -> None:
        raise ValueError("the engine failed")

    async def events() -> AsyncGenerator[str, None]:
        telling.tell(told(0))
        await failing()
        yield ""

    stream = telling.before(events())
    assert "selection_progress" in await anext(stream)
    with pytest.raises(ValueError, match="the engine failed"):
        await anext(stream)


async def test_a_client_that_leaves_ends_the_selection() -> None:
    telling, ended = progress(), asyncio.Event()

    async def events() -> AsyncGenerator[str, None]:
        try:
            telling.tell(told(0))
            await asyncio.Event().wait()
            yield ""
        finally:
            ended.set()

    stream = telling.before(events())
    await anext(stream)
    await stream.aclose()
    assert ended.is_set()
