"""One shape for errors, whoever they come from: OpenAI's error object, Anthropic's on its routes.

vLLM's handlers, routes and middleware name the `type` of one status in several ways, and some of
them answer with a bare text.
"""

import json
import re
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from laserve.api.middleware.paths import is_below
from laserve.api.wire.errors import ResponseErrorEvent, error_type

MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"

RETRY_AFTER_S = "1"
"""What an answer that asks to come again later says of when, unless it knows better."""

_SEQUENCE_NUMBER = re.compile(rb'"sequence_number": ?([0-9]+)')
"""In text that an event quotes its quotation marks are escaped."""

_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

_ANTHROPICS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "invalid_request_error",
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded_error",
}
"""As Anthropic's documentation of its API has them."""


class ErrorShapeMiddleware:
    """ASGI middleware: what is answered with a status of 400 or more, as JSON, in its shape; every
    429 and 503 says when to come again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and hold an error back until it is whole."""
        if scope["type"] != "http" or scope["method"] == "HEAD":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        content = bytearray()

        async def shaped(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] in _LATER:
                    MutableHeaders(scope=message).setdefault("retry-after", RETRY_AFTER_S)
                if _is_error(message):
                    start = message
                    return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            content.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            body = _shaped(start["status"], bytes(content), is_below(scope, MESSAGES))
            MutableHeaders(scope=start)["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, shaped)


def _is_error(start: Message) -> bool:
    content_type = Headers(raw=list(start.get("headers", ()))).get("content-type", "")
    return start["status"] >= HTTPStatus.BAD_REQUEST and content_type.startswith("application/json")


def _shaped(status: int, content: bytes, anthropics: bool) -> bytes:
    """`content` as it was where it is no error of a shape that is known."""
    message, param = _told(content)
    if message is None:
        return content
    shaped = _anthropics(status, message) if anthropics else _openais(status, message, param)
    return _as_json(shaped)


def error_event(scope: Scope, status: HTTPStatus, message: str, last: bytes) -> bytes:
    """The event that ends a stream of this route which has begun, for its error; ``last`` is what
    was sent before it."""
    if is_below(scope, MESSAGES):
        return b"event: error\ndata: " + _as_json(_anthropics(status, message)) + b"\n\n"
    if is_below(scope, RESPONSES):
        event = ResponseErrorEvent(
            code=error_type(status), message=message, sequence_number=_next_number(last)
        )
        return f"event: error\ndata: {event.model_dump_json()}\n\n".encode()
    return b"data: " + _as_json(_openais(status, message, None)) + b"\n\ndata: [DONE]\n\n"


def _next_number(last: bytes) -> int:
    """The sequence number after that of an event; 0 where there was none."""
    found = _SEQUENCE_NUMBER.findall(last)
    return int(found[-1]) + 1 if found else 0


def _anthropics(status: int, message: str) -> dict[str, Any]:
    other = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "api_error"
    error = {"type": _ANTHROPICS.get(status, other), "message": message}
    return {"type": "error", "error": error}


def _openais(status: int, message: str, param: str | None) -> dict[str, Any]:
    error = {"message": message, "type": error_type(status), "param": param, "code": int(status)}
    return {"error": error}


def _as_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _told(content: bytes) -> tuple[str | None, str | None]:
    """The message, and the field at fault."""
    try:
        body = json.loads(content)
    except ValueError:
        return None, None
    error = body.get("error", body.get("detail")) if isinstance(body, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return error["message"], error.get("param")
    return (error, None) if isinstance(error, str) else (None, None)
