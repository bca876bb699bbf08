"""What every route has in common."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.api_utils import load_aware_call, with_cancellation

from laserve.errors import RequestError

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])


def as_in_vllm(handler: Handler) -> Handler:
    """Stop when the client disconnects, and count in vLLM's /load."""
    cancelled = cast(Callable[[Handler], Handler], with_cancellation)  # vLLM leaves both untyped
    counted = cast(Callable[[Handler], Handler], load_aware_call)
    return cancelled(counted(handler))


def documented(answer: type[BaseModel], error: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """What a route answers, for the OpenAPI document."""
    errors = (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.NOT_IMPLEMENTED,
    )
    return {
        HTTPStatus.OK.value: {"model": answer},
        **{status.value: {"model": error} for status in errors},
    }


def refusing(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Errors that a route of LaServe's alone answers; `api.document` adds those of every route."""
    return {status.value: {"model": ErrorResponse} for status in statuses}


def streamed(answer: type[BaseModel], error: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The same for a route that can stream."""
    responses = documented(answer, error)
    responses[HTTPStatus.OK.value]["content"] = {"text/event-stream": {}}
    return responses


def as_in_sagemaker(handler: Callable[[Request], Awaitable[Response]]) -> Callable[..., Any]:
    """With what vLLM has SageMaker's library do around its own: sessions, and the adapter that a
    header names."""
    # Importing it sets the root logger's level; vLLM has done so, and set that back, by now.
    from model_hosting_container_standards import sagemaker

    adapted = sagemaker.inject_adapter_id(adapter_path="model")(handler)
    with_sessions: Callable[..., Any] = sagemaker.stateful_session_manager()(adapted)
    return with_sessions


async def require_object(raw_request: Request) -> None:
    """Raise RequestError for a body that is no JSON object, where FastAPI does not parse it."""
    try:
        body = await raw_request.json()
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is no valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise RequestError("the body is no JSON object")
