"""Server-sent events: finding the one that ends an answer, and putting the reward into it."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any


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
