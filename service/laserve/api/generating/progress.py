"""A streamed selection tells of each sample as it ends: in a chunk without choices, before those of
the answer, which begin when the selection is over."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request

from laserve.api.generating.schemas import ScoredChatCompletionRequest, SelectableRequest
from laserve.selection.outcome import SelectionProgress


class Progress:
    """Of one request's selection."""

    def __init__(self, request: SelectableRequest, raw_request: Request) -> None:
        is_chat = isinstance(request, ScoredChatCompletionRequest)
        # As vLLM makes it (`_base_request_id` of its serving objects).
        number = raw_request.headers.get("x-request-id") or request.request_id
        self._told: asyncio.Queue[SelectionProgress | None] = asyncio.Queue()
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if is_chat else 'cmpl'}-{number}",
            "object": "chat.completion.chunk" if is_chat else "text_completion",
            "created": int(time.time()),
            "model": request.model or raw_request.app.state.openai_serving_models.model_name(),
            "choices": [],
        }

    def tell(self, progress: SelectionProgress) -> None:
        """A sample has ended."""
        self._told.put_nowait(progress)

    async def before(self, events: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """`events`, and before the first of them what is told."""
        # A task, as the selection goes on in it; its end comes after all that it tells.
        first = asyncio.ensure_future(anext(events, None))
        first.add_done_callback(lambda _: self._told.put_nowait(None))
        try:
            while (told := await self._told.get()) is not None:
                yield self._chunk(told)
            event = first.result()
            if event is not None:
                yield event
                async for event in events:
                    yield event
        finally:
            if not first.done():
                first.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await first
            await events.aclose()

    def _chunk(self, progress: SelectionProgress) -> str:
        chunk = self._head | {"selection_progress": progress.model_dump(mode="json")}
        return f"data: {json.dumps(chunk, ensure_ascii=False, separators=(',', ':'))}\n\n"
