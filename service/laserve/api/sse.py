"""Server-sent events: finding the one that ends an answer, and putting the reward into it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import Context
from typing import Any, TypeVar

Event = TypeVar("Event")

LAST_CHUNK = '"finish_reason":"'
"""Occurs in the last chunk of a choice only: elsewhere the value is null, and inside of text the
quotation marks are escaped."""

ANY_CHUNK = "data: {"
"""Begins every chunk of an answer, and not the end of the stream."""

MESSAGE_END = "event: message_delta\n"
"""Begins the event that carries a message's stop reason."""


async def amended(
    events: AsyncGenerator[str, None], mark: str, amend: Callable[[dict[str, Any]], None]
) -> AsyncGenerator[str, None]:
    """`events`, with `amend` applied to the JSON of those that contain `mark`; only they are
    parsed."""
    async with aclosing(events):
        async for event in events:
            yield _amended(event, amend) if mark in event else event


def _amended(event: str, amend: Callable[[dict[str, Any]], None]) -> str:
    head, _, data = event.partition("data: ")
    body = json.loads(data)
    amend(body)
    return f"{head}data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def in_context(
    events: AsyncGenerator[Event, None], context: Context
) -> AsyncGenerator[Event, None]:
    """`events`, each produced with the context variables of `context`.

    A generator runs in the context of the task that iterates it, which for a streamed body is the
    server's, not the route's.
    """
    async with aclosing(events):
        while True:
            try:
                event = await asyncio.create_task(anext(events), context=context)
            except StopAsyncIteration:
                return
            yield event
