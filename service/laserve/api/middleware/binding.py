"""One HTTP request, one checkpoint: requests that may generate are bound to the active one."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from laserve.api.checkpoints import CHECKPOINTS
from laserve.api.headers import PREFIX, header_value
from laserve.api.middleware.paths import is_below
from laserve.serving.switch import Switch


class BindingMiddleware:
    """ASGI middleware: binds a request to the active checkpoint of `switch`, and names it in the
    answer; holds it up while weights are being replaced in place."""

    def __init__(self, app: ASGIApp, switch: Switch) -> None:
        self._app = app
        self._switch = switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, bound for as long as its answer takes."""
        # Where checkpoints are changed, a change holds nothing up.
        if scope["type"] != "http" or scope["method"] != "POST" or is_below(scope, CHECKPOINTS):
            await self._app(scope, receive, send)
            return
        async with self._switch.admitted() as request:

            async def named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    name = header_value(request.deployment.parameters.checkpoint)
                    MutableHeaders(scope=message).setdefault(f"{PREFIX}checkpoint", name)
                await send(message)

            await self._app(scope, receive, named)
