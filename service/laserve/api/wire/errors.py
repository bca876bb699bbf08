"""Errors as the error object of the OpenAI API, of whichever part they are."""

from http import HTTPStatus
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from vllm.entrypoints.serve.engine.protocol import ErrorInfo, ErrorResponse
from vllm.entrypoints.serve.exception_handling.error_response import create_error_response
from vllm.exceptions import VLLMValidationError

from laserve.api.wire.sentences import field_at_fault, sentences_of
from laserve.errors import RequestError

_TYPES = {
    HTTPStatus.UNAUTHORIZED: "AuthenticationError",
    HTTPStatus.FORBIDDEN: "PermissionDeniedError",
    HTTPStatus.TOO_MANY_REQUESTS: "RateLimitError",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalServerError",
}
"""As vLLM and OpenAI's clients name them; the others are the status's own name."""


class ResponseErrorEvent(BaseModel):
    """The event of the Responses API that ends a stream for an error."""

    type: Literal["error"] = "error"
    code: str
    message: str
    param: str | None = None
    sequence_number: int


def error_type(status: int) -> str:
    """The `type` of every error with this status: `BadRequestError`, `NotFoundError`, ..."""
    try:
        known = HTTPStatus(status)
    except ValueError:
        known = HTTPStatus.BAD_REQUEST if status < 500 else HTTPStatus.INTERNAL_SERVER_ERROR
    return _TYPES.get(known) or f"{known.phrase.replace(' ', '')}Error"


def error_answer(
    status: HTTPStatus,
    message: str,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """`{"error": {"message", "type", "param", "code"}}`, as vLLM writes it."""
    error = ErrorInfo(message=message, type=error_type(status), param=param, code=status.value)
    return as_answer(ErrorResponse(error=error), headers)


def as_answer(error: ErrorResponse, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error of vLLM's, with its status."""
    return JSONResponse(error.model_dump(), error.error.code, headers)


def handle_errors(app: FastAPI) -> None:
    """Answer LaServe's own refusals, and what vLLM's handlers tell as the framework or Python does.

    Call it when vLLM has built `app`: of two handlers the later one counts.
    """
    app.add_exception_handler(RequestError, _answer_request_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(VLLMValidationError, _answer_vllm_error)
    app.add_exception_handler(RecursionError, _answer_recursion_error)


async def _answer_request_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    return error_answer(HTTPStatus.BAD_REQUEST, str(error), error.param)


async def _answer_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return error_answer(HTTPStatus(error.status_code), error.detail, headers=headers)


async def _answer_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    return error_answer(HTTPStatus.BAD_REQUEST, sentences_of(faults), field_at_fault(faults))


async def _answer_vllm_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VLLMValidationError)
    # Its str() adds parameter and value, as Python writes them.
    message = str(error.args[0])
    return as_answer(create_error_response(message, param=error.parameter))


async def _answer_recursion_error(_: Request, error: Exception) -> JSONResponse:
    message = f"a value of the request is nested too deeply: {error}"
    return error_answer(HTTPStatus.BAD_REQUEST, message)
