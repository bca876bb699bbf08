"""Errors as the error object of the OpenAI API."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from vllm.entrypoints.serve.engine.protocol import ErrorInfo, ErrorResponse

from laserve.errors import RequestError


def handle_errors(app: FastAPI) -> None:
    """Answer with error objects where vLLM's handlers do not: LaServe's own refusals, and what
    the framework refuses (an unknown path, a body that is no text)."""
    app.add_exception_handler(RequestError, _answer_request_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RecursionError, _answer_recursion_error)


def error_answer(
    status: HTTPStatus,
    kind: str,
    message: str,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """`{"error": {"message", "type", "param", "code"}}`, as vLLM writes it."""
    error = ErrorInfo(message=message, type=kind, param=param, code=status.value)
    return JSONResponse(ErrorResponse(error=error).model_dump(), status, headers)


async def _answer_request_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    return error_answer(HTTPStatus.BAD_REQUEST, "BadRequestError", str(error), error.param)


async def _answer_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers) if error.headers else None
    return error_answer(status, status.phrase, error.detail, headers=headers)


async def _answer_recursion_error(_: Request, error: Exception) -> JSONResponse:
    message = f"a value of the request is nested too deeply: {error}"
    return error_answer(HTTPStatus.BAD_REQUEST, "BadRequestError", message)
