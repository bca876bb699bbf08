"""The API key, asked for on every route but the health check and the files of the page. A CORS
preflight, which a browser sends without it, is answered further outside.

vLLM's own check guards the prefixes /v1, /v2, /inference and /cohere only, and leaves open what
generates or tells elsewhere: /generative_scoring, /score, /rerank, /invocations, /metrics, the
documentation, the development routes.
"""

from argparse import Namespace
from dataclasses import dataclass
from http import HTTPStatus

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from vllm import envs

from laserve.access.key_ring import KeyRing
from laserve.access.keys import Key
from laserve.api.middleware.paths import leads_below, path_of
from laserve.api.wire.errors import error_answer

HEALTH = "/health"
PAGE, PAGE_FILES = "/", "/page"
ADMIN_KEY_HEADER = "x-laserve-admin-key"

_CALLER = "laserve.caller"
"""In an ASGI scope."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request."""

    key: Key | None
    """Its API key; None where the server asks for none."""
    admin_key: Key | None
    """What it sends beside that, to administer with; None for nothing, or nothing that is known."""
    administers: bool
    """Whether it may change what is served, and see where it lies."""

    @property
    def id(self) -> str | None:
        """What logs name; None where it sends no key that is known."""
        named = self.admin_key or self.key
        return None if named is None else named.id


def caller_of(scope: Scope) -> Caller:
    """Who sends the request, behind `ApiKeyMiddleware`."""
    caller: Caller = scope[_CALLER]
    return caller


class ApiKeyMiddleware:
    """ASGI middleware: says who calls (`caller_of`); 401 where a key is asked for and none that is
    known stands in `Authorization: Bearer` or Anthropic's `x-api-key`."""

    def __init__(self, app: ASGIApp, ring: KeyRing, vllms_keys: list[str]) -> None:
        self.app = app
        self._ring = ring
        self._vllms_key = next(iter(vllms_keys), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = self._ring.caller(_presented(headers))
        if key is None and self._ring.is_required and not is_open(path_of(scope)):
            await _refusal()(scope, receive, send)
            return
        admin_secret = headers.get(ADMIN_KEY_HEADER)
        administers = self._ring.administers(key, admin_secret)
        caller = Caller(key, self._ring.administrator(admin_secret), administers)
        passed = {**scope, _CALLER: caller}
        if key is not None and self._vllms_key is not None:
            # vLLM's own check, further inside, knows those of its flag only, in this header only.
            inner = MutableHeaders(raw=list(scope["headers"]))
            inner["authorization"] = f"Bearer {self._vllms_key}"
            passed["headers"] = inner.raw
        await self.app(passed, receive, send)


def is_open(path: str) -> bool:
    """Whether it takes no key."""
    return path in (HEALTH, PAGE) or leads_below(path, PAGE_FILES)


def api_keys(args: Namespace) -> list[str]:
    """The keys that the server was started with: `--api-key`, else `VLLM_API_KEY`."""
    return [key for key in (args.api_key or [envs.VLLM_API_KEY]) if key]


def _presented(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else headers.get("x-api-key")


def _refusal() -> JSONResponse:
    return error_answer(
        HTTPStatus.UNAUTHORIZED,
        "no valid API key: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
        headers={"WWW-Authenticate": "Bearer"},
    )
