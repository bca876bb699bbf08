"""The API key, asked for on every route but the health check. A CORS preflight, which a browser
sends without it, is answered further outside.

vLLM's own check guards the prefixes /v1, /v2, /inference and /cohere only, and leaves open what
generates or tells elsewhere: /generative_scoring, /score, /rerank, /invocations, /metrics, the
documentation, the development routes.
"""

import secrets
from argparse import Namespace
from collections.abc import Iterable
from hashlib import sha256
from http import HTTPStatus

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from vllm import envs

from laserve.api.errors import error_answer
from laserve.api.middleware.paths import path_of

HEALTH = "/health"


class ApiKeyMiddleware:
    """ASGI middleware: 401 without a key, in `Authorization: Bearer` or Anthropic's `x-api-key`."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self.app = app
        self._digests = [_digest(key) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or _is_open(scope):
            await self.app(scope, receive, send)
            return
        key = _presented(Headers(scope=scope))
        if key is None or not self._is_known(key):
            await _refusal()(scope, receive, send)
            return
        # vLLM's own check, further inside, reads this header only.
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["authorization"] = f"Bearer {key}"
        await self.app({**scope, "headers": headers.raw}, receive, send)

    def _is_known(self, key: str) -> bool:
        # Compares digests, and with every key, so that the time taken tells nothing about any.
        digest = _digest(key)
        matches = [secrets.compare_digest(digest, known) for known in self._digests]
        return any(matches)


def api_keys(args: Namespace) -> list[str]:
    """The keys that the server was started with: `--api-key`, else `VLLM_API_KEY`."""
    return [key for key in (args.api_key or [envs.VLLM_API_KEY]) if key]


def _is_open(scope: Scope) -> bool:
    """Whether this is the health check."""
    return path_of(scope) == HEALTH


def _presented(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else headers.get("x-api-key")


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _refusal() -> JSONResponse:
    return error_answer(
        HTTPStatus.UNAUTHORIZED,
        "no valid API key: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
        headers={"WWW-Authenticate": "Bearer"},
    )
