"""What stands around vLLM's application, from the inside to the outside."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from laserve.access.key_ring import KeyRing
from laserve.api.middleware.administration import AdministrationMiddleware
from laserve.api.middleware.auth import ApiKeyMiddleware, api_keys
from laserve.api.middleware.binding import BindingMiddleware
from laserve.api.middleware.error_shape import ErrorShapeMiddleware
from laserve.api.middleware.limits import BodyLimitMiddleware, BodyTimeMiddleware
from laserve.api.middleware.quotas import QuotaMiddleware
from laserve.api.wire.errors import handle_errors
from laserve.serving.switch import Switch


@dataclass(frozen=True, slots=True)
class Gate:
    """What a request must keep to."""

    ring: KeyRing
    """Who may use the server, and who may change it."""
    body_bytes: int
    """Largest body."""
    body_s: float
    """How long it may take to arrive, in seconds."""


def surround(app: FastAPI, switch: Switch, gate: Gate) -> None:
    """Put LaServe's middleware around `app`, which vLLM has built and which takes no more.

    Requests are bound to a checkpoint of ``switch``, and what ``gate`` does not let in is refused.
    Each of these refusals has the shape of any other error, and vLLM's CORS headers, or a browser's
    script could not read it.
    """
    handle_errors(app)
    stack: ASGIApp = BindingMiddleware(_without_cors(app), switch)
    stack = BodyLimitMiddleware(stack, gate.body_bytes)
    stack = BodyTimeMiddleware(stack, gate.body_s)
    stack = QuotaMiddleware(stack)
    stack = AdministrationMiddleware(stack)
    stack = ApiKeyMiddleware(stack, gate.ring, api_keys(app.state.args))
    stack = ErrorShapeMiddleware(stack)
    for middleware in app.user_middleware:
        if _is_cors(middleware):
            stack = middleware.cls(stack, *middleware.args, **middleware.kwargs)
    app.middleware_stack = stack


def _without_cors(app: FastAPI) -> ASGIApp:
    """vLLM's own middleware, in which its CORS stands too far inside."""
    whole = app.user_middleware
    app.user_middleware = [one for one in whole if not _is_cors(one)]
    try:
        return app.build_middleware_stack()
    finally:
        app.user_middleware = whole


def _is_cors(middleware: Middleware) -> bool:
    return isinstance(middleware.cls, type) and issubclass(middleware.cls, CORSMiddleware)
