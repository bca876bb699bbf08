"""What stands around vLLM's application, from the inside to the outside."""

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from laserve.api.errors import handle_errors
from laserve.api.middleware.auth import ApiKeyMiddleware, api_keys
from laserve.api.middleware.binding import BindingMiddleware
from laserve.api.middleware.error_shape import ErrorShapeMiddleware
from laserve.api.middleware.limits import BodyLimitMiddleware
from laserve.serving.switch import Switch


def surround(app: FastAPI, switch: Switch, body_limit: int) -> None:
    """Put LaServe's middleware around `app`, which vLLM has built and which takes no more.

    Requests are bound to a checkpoint of ``switch``, bodies of more than ``body_limit`` bytes are
    refused, and so is, where the server has an API key, whoever does not send it. Each of these
    refusals has the shape of any other error, and vLLM's CORS headers, or a browser's script could
    not read it.
    """
    handle_errors(app)
    stack: ASGIApp = BindingMiddleware(_without_cors(app), switch)
    stack = BodyLimitMiddleware(stack, body_limit)
    if keys := api_keys(app.state.args):
        stack = ApiKeyMiddleware(stack, keys)
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
