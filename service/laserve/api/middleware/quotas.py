"""The limits of each API key: how many requests, how many at a time, how many tokens."""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from laserve.access.keys import NO_LIMITS
from laserve.access.quotas import Meter, QuotaExceededError, Quotas
from laserve.api.middleware.auth import caller_of
from laserve.api.wire.errors import error_answer

_METER = "laserve.meter"
"""In an ASGI scope."""


def meter_of(scope: Scope) -> Meter | None:
    """What counts the tokens of a request; None where nobody asks."""
    meter: Meter | None = scope.get(_METER)
    return meter


class QuotaMiddleware:
    """ASGI middleware: 429 for a POST of a key that has used up a limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._quotas = Quotas()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        key = caller_of(scope).key if scope["type"] == "http" else None
        if key is None or key.limits == NO_LIMITS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            async with self._quotas.admitted(key) as meter:
                measured = meter if key.limits.tokens_per_minute is not None else None
                await self._app({**scope, _METER: measured}, receive, send)
        except QuotaExceededError as error:
            answer = error_answer(
                HTTPStatus.TOO_MANY_REQUESTS,
                str(error),
                headers={"Retry-After": str(error.retry_after_s)},
            )
            await answer(scope, receive, send)
