"""The routes that answer with scores, in place of vLLM's of the same path.

Each hands its request to vLLM's own serving object, as vLLM's route does, and scores what that
generates.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel
from vllm.entrypoints.anthropic.api_router import messages, translate_error_response
from vllm.entrypoints.anthropic.protocol import AnthropicErrorResponse
from vllm.entrypoints.openai.chat_completion.api_router import chat
from vllm.entrypoints.openai.completion.api_router import completion
from vllm.entrypoints.openai.responses.api_router import responses
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.exception_handling.error_response import create_error_response
from vllm.entrypoints.serve.utils.api_utils import (
    load_aware_call,
    validate_json_request,
    with_cancellation,
)

from laserve.api.answers import completion_answer, message_answer, responses_answer
from laserve.api.errors import handle_errors
from laserve.api.rewards import scoring
from laserve.api.schemas import (
    ScoredChatCompletionRequest,
    ScoredChatCompletionResponse,
    ScoredCompletionRequest,
    ScoredCompletionResponse,
    ScoredMessagesRequest,
    ScoredMessagesResponse,
    ScoredResponsesRequest,
    ScoredResponsesResponse,
)

logger = logging.getLogger(__name__)

router = APIRouter(dependencies=[Depends(validate_json_request)])

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])


def mount(app: FastAPI) -> None:
    """Register LaServe's routes and error handlers on vLLM's application.

    The routes read `app.state.laserve`, a `LaServeState`, which is to be set before the first
    request.
    """
    app.include_router(router)
    handle_errors(app)


def _documented(answer: type[BaseModel], error: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    errors = (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.NOT_IMPLEMENTED,
    )
    return {
        HTTPStatus.OK.value: {"model": answer, "content": {"text/event-stream": {}}},
        **{status.value: {"model": error} for status in errors},
    }


def _as_in_vllm(handler: Handler) -> Handler:
    """Stop when the client disconnects, and count in vLLM's /load."""
    cancelled = cast(Callable[[Handler], Handler], with_cancellation)  # vLLM leaves both untyped
    counted = cast(Callable[[Handler], Handler], load_aware_call)
    return cancelled(counted(handler))


@router.post(
    "/v1/chat/completions", responses=_documented(ScoredChatCompletionResponse, ErrorResponse)
)
@_as_in_vllm
async def create_chat_completion(
    request: ScoredChatCompletionRequest, raw_request: Request
) -> Response:
    """A chat completion, each choice with its self-reward."""
    serving = chat(raw_request)
    if serving is None:
        raise NotImplementedError("The model does not support Chat Completions API")
    with scoring(request, raw_request) as rewards:
        answer = await serving.create_chat_completion(request, raw_request)
    return completion_answer(raw_request, answer, rewards)


@router.post("/v1/completions", responses=_documented(ScoredCompletionResponse, ErrorResponse))
@_as_in_vllm
async def create_completion(request: ScoredCompletionRequest, raw_request: Request) -> Response:
    """A text completion, each choice with its self-reward."""
    serving = completion(raw_request)
    if serving is None:
        raise NotImplementedError("The model does not support Completions API")
    with scoring(request, raw_request) as rewards:
        answer = await serving.create_completion(request, raw_request)
    return completion_answer(raw_request, answer, rewards)


@router.post("/v1/responses", responses=_documented(ScoredResponsesResponse, ErrorResponse))
@_as_in_vllm
async def create_response(request: ScoredResponsesRequest, raw_request: Request) -> Response:
    """A response of the Responses API, with its self-reward."""
    serving = responses(raw_request)
    if serving is None:
        raise NotImplementedError("The model does not support Responses API")
    with scoring(request, raw_request) as rewards:
        answer = await serving.create_responses(request, raw_request)
        return responses_answer(raw_request, answer, rewards)


@router.post("/v1/messages", responses=_documented(ScoredMessagesResponse, AnthropicErrorResponse))
@_as_in_vllm
async def create_message(request: ScoredMessagesRequest, raw_request: Request) -> Response:
    """A message of Anthropic's Messages API, with its self-reward."""
    try:
        serving = messages(raw_request)
        if serving is None:
            raise NotImplementedError("The model does not support Messages API")
        with scoring(request, raw_request) as rewards:
            answer = await serving.create_messages(request, raw_request)
    except Exception as error:  # the application's handlers answer in OpenAI's form
        refusal = create_error_response(error)
        if refusal.error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("POST /v1/messages failed")
        return translate_error_response(refusal)
    if isinstance(answer, ErrorResponse):
        return translate_error_response(answer)
    return message_answer(raw_request, answer, rewards)
