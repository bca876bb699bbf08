"""One HTTP request, one checkpoint: requests that may generate are bound to the active one."""

from collections import deque
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from laserve.api.middleware.administration import CHECKPOINTS
from laserve.api.middleware.error_shape import error_event
from laserve.api.middleware.paths import is_below
from laserve.api.middleware.quotas import meter_of
from laserve.api.wire.errors import error_answer
from laserve.api.wire.headers import PREFIX, checkpoint_values, header_value
from laserve.serving.readiness import Withdrawn
from laserve.serving.switch import Switch


class BindingMiddleware:
    """ASGI middleware: binds a request whose body has arrived to the active checkpoint of `switch`,
    and names it in the answer; holds it up while weights are being replaced in place. A request
    that is withdrawn is answered with 503 and Retry-After, or where its stream has begun, with an
    event."""

    def __init__(self, app: ASGIApp, switch: Switch) -> None:
        self._app = app
        self._switch = switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, bound for as long as its answer takes."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        begun: Headers | None = None
        last: Message = {}

        async def watched(message: Message) -> None:
            nonlocal begun, last
            if message["type"] == "http.response.start":
                begun = Headers(raw=list(message.get("headers", ())))
            last = message
            await send(message)

        try:
            if is_below(scope, CHECKPOINTS):  # a change of them holds no other one up
                self._switch.readiness.check_open()
                await self._app(scope, receive, watched)
            else:
                await self._bound(scope, receive, watched)
        except Withdrawn as withdrawn:
            if begun is None:
                await _refusal(withdrawn)(scope, receive, send)
            elif begun.get("content-type", "").startswith("text/event-stream"):
                status, sent = HTTPStatus.SERVICE_UNAVAILABLE, last.get("body", b"")
                event = error_event(scope, status, str(withdrawn), sent)
                await send({"type": "http.response.body", "body": event})

    async def _bound(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._switch.arriving():
            receive = await _complete(receive)
        async with self._switch.admitted() as request:
            request.meter = meter_of(scope)

            async def named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableHeaders(scope=message)
                    if f"{PREFIX}checkpoint" not in headers:
                        values = checkpoint_values(request.deployment.parameters)
                        headers.update(
                            {PREFIX + name: header_value(value) for name, value in values.items()}
                        )
                await send(message)

            await self._app(scope, receive, named)


async def _complete(receive: Receive) -> Receive:
    """What hands on all that a client sends, once its body is whole or cannot be read: nobody
    waits for what is still being sent. An error is kept for who reads it."""
    messages = deque[Message]()
    error = None
    try:
        while not messages or messages[-1].get("more_body", False):
            messages.append(await receive())
    except HTTPException as refusal:
        error = refusal

    async def kept() -> Message:
        if messages:
            return messages.popleft()
        if error is not None:
            raise error
        return await receive()

    return kept


def _refusal(withdrawn: Withdrawn) -> ASGIApp:
    headers = {"retry-after": str(withdrawn.retry_after_s)}
    return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(withdrawn), headers=headers)
