"""Limits to the size of request bodies, and to the time that they take to arrive.

vLLM tokenises a prompt before it truncates it, and renders it with one thread: a body of 10 MB
holds up every other request for 20 s and takes 2 GB of memory.

Starlette's `RequestBodyLimitMiddleware` refuses in plain text, where OpenAI's clients read JSON,
and cannot say what to do about it.
"""

import asyncio
from http import HTTPStatus

from starlette.exceptions import HTTPException  # of FastAPI's, vLLM answers without the headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BYTES_PER_TOKEN = 64
"""Generous: JSON escapes a character in up to 12 bytes, and few tokens have more than 5."""

BASE_BYTES = 1 << 20
"""For whatever is not the prompt: tools, schemas, token ids, metadata."""

MEDIA_BYTES = 1 << 28
"""For models that take images or audio, which travel inside the body."""


def default_limit(max_model_len: int, *, takes_media: bool) -> int:
    """Bytes that any sensible request to a model of this context (tokens) stays below."""
    return BASE_BYTES + BYTES_PER_TOKEN * max_model_len + (MEDIA_BYTES if takes_media else 0)


class BodyLimitMiddleware:
    """ASGI middleware that counts a body while it arrives, and refuses one of more than `limit`
    bytes with 413."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; reading too much of its body raises the refusal."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the request body exceeds {self._limit} bytes; shorten it, or start the "
                    "server with a larger --max-request-bytes",
                )
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)


class BodyTimeMiddleware:
    """ASGI middleware that waits for a whole body for `limit_s` seconds, from when it is first
    asked for, and refuses it with 408 then."""

    def __init__(self, app: ASGIApp, limit_s: float) -> None:
        self._app = app
        self._limit_s = limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; reading its body too late raises the refusal."""
        loop = asyncio.get_running_loop()
        deadline: float | None = None
        is_whole = False

        async def timed() -> Message:
            nonlocal deadline, is_whole
            if is_whole:  # what follows tells of the client's end
                return await receive()
            deadline = deadline or loop.time() + self._limit_s
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT,
                    f"the request body was not complete after {self._limit_s:g} s: send it faster, "
                    "or start the server with a longer --body-timeout-s",
                    headers={"Connection": "close"},
                ) from error
            is_whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        await self._app(scope, timed if scope["type"] == "http" else receive, send)
