"""What every route has in common."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi.responses import Response
from pydantic import BaseModel
from vllm.entrypoints.serve.utils.api_utils import load_aware_call, with_cancellation

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


def streamed(answer: type[BaseModel], error: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The same for a route that can stream."""
    responses = documented(answer, error)
    responses[HTTPStatus.OK.value]["content"] = {"text/event-stream": {}}
    return responses
