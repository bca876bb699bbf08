"""Responses that are generated in the background, and end there otherwise than by an answer.

vLLM leaves one that fails with the status that it had, and those who read the events of one that
fails or is cancelled waiting for ever.
"""

import logging
from asyncio import Task
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Any

from vllm.entrypoints.openai.responses.protocol import StreamingResponsesResponse
from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
from vllm.exceptions import VLLMValidationError

from laserve.api.wire.errors import ResponseErrorEvent, error_type
from laserve.serving.readiness import Withdrawn

logger = logging.getLogger(__name__)

Event = StreamingResponsesResponse | ResponseErrorEvent


def end_streams(serving: OpenAIServingResponses) -> None:
    """Have the events of every response come to their end: vLLM waits for its completion, also
    where it failed, was cancelled or is complete and its last event is asked to be left out."""
    theirs = serving.responses_background_stream_generator

    async def ours(
        response_id: str, starting_after: int | None = None
    ) -> AsyncGenerator[Event, None]:
        events: Sequence[Event] = serving.event_store.get(response_id, ((),))[0]
        if starting_after is not None and any(map(_is_last, islice(events, starting_after + 1))):
            return
        stream: AsyncGenerator[Event, None] = theirs(response_id, starting_after)
        async for event in stream:
            yield event
            if _is_last(event):
                return

    serving.responses_background_stream_generator = ours  # type: ignore[assignment, method-assign]


def _is_last(event: Event) -> bool:
    return event.type in ("error", "response.completed")


def tell_end(serving: OpenAIServingResponses, response_id: str) -> None:
    """Have the response that was begun say so where its generation raises, by its status and
    OpenAI's `error`; and by an event where it raises or is cancelled."""
    task = serving.background_tasks[response_id]
    task.add_done_callback(partial(_settle, serving, response_id))


def _settle(serving: OpenAIServingResponses, response_id: str, task: Task[Any]) -> None:
    if task.cancelled():
        _end(serving, response_id, "cancelled", "the response was cancelled")
    elif error := task.exception():
        status, message = _told(error, response_id)
        response = serving.response_store[response_id]
        response.status = "failed"
        code = "invalid_prompt" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
        response.error = {"code": code, "message": message}  # type: ignore[attr-defined]
        _end(serving, response_id, error_type(status), message)


def _end(serving: OpenAIServingResponses, response_id: str, code: str, message: str) -> None:
    """Where it is a stream, append the event that is its last one."""
    if response_id in serving.event_store:
        events, is_news = serving.event_store[response_id]
        event = ResponseErrorEvent(code=code, message=message, sequence_number=len(events))
        events.append(event)  # type: ignore[arg-type]
        is_news.set()


def _told(error: BaseException, response_id: str) -> tuple[HTTPStatus, str]:
    if isinstance(error, Withdrawn):
        return HTTPStatus.SERVICE_UNAVAILABLE, str(error)
    if isinstance(error, VLLMValidationError):
        return HTTPStatus.BAD_REQUEST, str(error.args[0])
    logger.error("%s failed in the background", response_id, exc_info=error)
    return HTTPStatus.INTERNAL_SERVER_ERROR, "an internal error: the server's log has it"
