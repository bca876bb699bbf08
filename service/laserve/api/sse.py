"""Server-sent events: finding the one that ends an answer, and putting the reward into it."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

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
