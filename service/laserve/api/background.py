"""Responses that are generated in the background, and fail there.

vLLM leaves such a one with the status that it had, and those who read its events waiting for ever.
"""

import logging
from asyncio import Task
from collections.abc import AsyncGenerator
from functools import partial
from http import HTTPStatus
from typing import Any

from vllm.entrypoints.openai.responses.protocol import StreamingResponsesResponse
from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
from vllm.exceptions import VLLMValidationError

from laserve.api.errors import ResponseErrorEvent, error_type
from laserve.serving.readiness import Withdrawn

logger = logging.getLogger(__name__)

Event = StreamingResponsesResponse | ResponseErrorEvent


def end_streams_of_failures(serving: OpenAIServingResponses) -> None:
    """Have the events of a response end with its error: vLLM waits for its completion."""
    theirs = serving.responses_background_stream_generator

    async def ours(
        response_id: str, starting_after: int | None = None
    ) -> AsyncGenerator[Event, None]:
        events: AsyncGenerator[Event, None] = theirs(response_id, starting_after)
        async for event in events:
            yield event
            if isinstance(event, ResponseErrorEvent):
                return

    serving.responses_background_stream_generator = ours  # type: ignore[assignment, method-assign]


def tell_failure(serving: OpenAIServingResponses, response_id: str) -> None:
    """Have the response that was begun say so where its generation raises: by its status and
    OpenAI's `error`, and by an event."""
    task = serving.background_tasks[response_id]
    task.add_done_callback(partial(_settle, serving, response_id))


def _settle(serving: OpenAIServingResponses, response_id: str, task: Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is None:
        return
    status, message = _told(error, response_id)
    response = serving.response_store[response_id]
    response.status = "failed"
    code = "invalid_prompt" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
    response.error = {"code": code, "message": message}  # type: ignore[attr-defined]
    if response_id in serving.event_store:
        events, is_news = serving.event_store[response_id]
        number = len(events)
        event = ResponseErrorEvent(code=error_type(status), message=message, sequence_number=number)
        events.append(event)  # type: ignore[arg-type]
        is_news.set()


def _told(error: BaseException, response_id: str) -> tuple[HTTPStatus, str]:
    if isinstance(error, Withdrawn):
        return HTTPStatus.SERVICE_UNAVAILABLE, str(error)
    if isinstance(error, VLLMValidationError):
        return HTTPStatus.BAD_REQUEST, str(error.args[0])
    logger.error("%s failed in the background", response_id, exc_info=error)
    return HTTPStatus.INTERNAL_SERVER_ERROR, "an internal error: the server's log has it"
