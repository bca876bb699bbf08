"""Each request belongs to one checkpoint from its arrival to its end, and its answer names it."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from laserve.api.middleware.binding import BindingMiddleware
from laserve.serving.deployment import Deployment
from laserve.serving.scope import current_scope
from laserve.serving.switch import Switch
from tests.unit.api.serving import CHAT, REQUESTS, Server, build_app
from tests.unit.serving.fake_deployment import deployment_of
from tests.unit.serving.fake_serving import PARAMETERS

pytestmark = pytest.mark.asyncio

PATIENCE_S = 60.0
HEADER = "x-laserve-checkpoint"
NOT_HELD = [
    ("GET", CHAT),
    ("GET", "/v1/checkpoints"),
    ("OPTIONS", CHAT),
    ("POST", "/v1/checkpoints"),
    ("POST", "/v1/checkpoints/rollback"),
]


def bound() -> Deployment | None:
    """The checkpoint of the request in work."""
    scope = current_scope()
    return None if scope is None else scope.bound


class Application:
    """The application behind the middleware: it answers in chunks, as far as it is let on."""

    def __init__(self) -> None:
        self.seen: list[Deployment | None] = []
        """What was bound whenever a step was made."""
        self.headers: list[tuple[bytes, bytes]] = []
        self.go_on = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(bound())
        await self.go_on.acquire()
        headers = list(self.headers)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if self.error is not None:
            raise self.error
        for more in (True, False):
            await self.go_on.acquire()
            self.seen.append(bound())
            await send({"type": "http.response.body", "body": b"chunk", "more_body": more})


class Exchange:
    """A request under way."""

    def __init__(self, middleware: BindingMiddleware, **scope: Any) -> None:
        whole = {"type": "http", "method": "POST", "path": CHAT, "headers": [], **scope}
        self.sent: list[MutableMapping[str, Any]] = []
        self.task = asyncio.create_task(self._run(middleware, whole))

    async def _run(self, middleware: BindingMiddleware, scope: Scope) -> None:
        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            self.sent.append(message)

        await middleware(scope, receive, send)

    def header(self) -> str | None:
        """The checkpoint that the answer names."""
        names = dict(self.sent[0]["headers"])
        value = names.get(HEADER.encode())
        return None if value is None else value.decode()


async def idle() -> None:
    """Long enough for whatever can go on to go on."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def first() -> Deployment:
    return deployment_of("first")


@pytest.fixture
def switch(first: Deployment) -> Switch:
    return Switch(first)


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def middleware(application: Application, switch: Switch) -> BindingMiddleware:
    return BindingMiddleware(application, switch)


async def test_a_stream_stays_with_its_checkpoint_to_its_end(
    middleware: BindingMiddleware, application: Application, switch: Switch, first: Deployment
) -> None:
    exchange = Exchange(middleware)
    application.go_on.release()
    await idle()
    second = deployment_of("second", 2)
    assert switch.activate(second) is first
    application.go_on.release()
    await idle()
    assert (first.requests.value, second.requests.value) == (1, 0)
    application.go_on.release()
    await exchange.task
    assert application.seen == [first] * 3
    assert exchange.header() == "first"
    assert (first.requests.value, second.requests.value) == (0, 0)
    assert current_scope() is None


async def test_a_checkpoint_drains_when_its_last_stream_ends(
    middleware: BindingMiddleware, application: Application, switch: Switch, first: Deployment
) -> None:
    exchanges = [Exchange(middleware), Exchange(middleware)]
    await idle()
    switch.activate(deployment_of("second", 2))
    drained = asyncio.create_task(first.drained(PATIENCE_S))
    for _ in range(5):
        application.go_on.release()
    await idle()
    assert not drained.done()
    application.go_on.release()
    await asyncio.gather(*(exchange.task for exchange in exchanges))
    await drained


async def test_the_next_request_goes_to_what_is_active_then(
    middleware: BindingMiddleware, application: Application, switch: Switch, first: Deployment
) -> None:
    old = Exchange(middleware)
    await idle()
    second = deployment_of("second", 2)
    switch.activate(second)
    new = Exchange(middleware)
    await idle()
    assert application.seen == [first, second]
    assert (first.requests.value, second.requests.value) == (1, 1)
    for _ in range(6):
        application.go_on.release()
    await asyncio.gather(old.task, new.task)
    # Also where the answer began after the switch.
    assert (old.header(), new.header()) == ("first", "second")


async def test_a_request_that_was_not_waited_for_names_what_answers_it(
    middleware: BindingMiddleware, application: Application, switch: Switch, first: Deployment
) -> None:
    exchange = Exchange(middleware)
    await idle()
    switch.activate(deployment_of("second", 2))
    switch.retire(first)
    for _ in range(3):
        application.go_on.release()
    await exchange.task
    assert exchange.header() == "second"


async def test_a_request_that_fails_is_not_counted_any_more(
    middleware: BindingMiddleware, application: Application, first: Deployment
) -> None:
    application.error = RuntimeError("broken")
    exchange = Exchange(middleware)
    application.go_on.release()
    with pytest.raises(RuntimeError, match="broken"):
        await exchange.task
    assert first.requests.value == 0


async def test_a_request_that_is_cancelled_is_not_counted_any_more(
    middleware: BindingMiddleware, first: Deployment
) -> None:
    exchange = Exchange(middleware)
    await idle()
    assert first.requests.value == 1
    exchange.task.cancel()
    await asyncio.wait([exchange.task])
    assert first.requests.value == 0


@pytest.mark.parametrize(("method", "path"), NOT_HELD)
@pytest.mark.parametrize("root_path", ["", "/proxy"])
async def test_what_generates_nothing_passes_a_closed_gate_and_is_not_bound(
    middleware: BindingMiddleware,
    application: Application,
    switch: Switch,
    first: Deployment,
    method: str,
    path: str,
    root_path: str,
) -> None:
    async with switch.quiet(force=False):
        exchange = Exchange(middleware, method=method, path=root_path + path, root_path=root_path)
        for _ in range(3):
            application.go_on.release()
        await exchange.task
    assert application.seen == [None] * 3
    assert exchange.header() is None
    assert first.requests.value == 0


@pytest.mark.parametrize(
    "path", [CHAT, "/v1/self_reward", "/tokenize", "/v1/checkpointsx", "/x/v1/checkpoints"]
)
async def test_every_other_post_waits_for_the_gate_and_gets_what_is_active_then(
    middleware: BindingMiddleware, application: Application, switch: Switch, path: str
) -> None:
    second = deployment_of("second", 2)
    async with switch.quiet(force=False):
        exchange = Exchange(middleware, path=path)
        await idle()
        assert application.seen == []
        switch.activate(second)
    for _ in range(3):
        application.go_on.release()
    await exchange.task
    assert application.seen == [second] * 3
    assert exchange.header() == "second"


async def test_the_gate_closes_on_a_request_that_is_under_way_only_when_it_has_ended(
    middleware: BindingMiddleware, application: Application, switch: Switch
) -> None:
    exchange = Exchange(middleware)
    await idle()
    quiet = asyncio.Event()

    async def close() -> None:
        async with switch.quiet(force=False):
            quiet.set()

    closing = asyncio.create_task(close())
    await idle()
    assert not quiet.is_set()
    for _ in range(3):
        application.go_on.release()
    await exchange.task
    await closing
    assert quiet.is_set()


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_what_is_no_http_request_passes(switch: Switch, kind: str) -> None:
    passed: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert current_scope() is None
        passed.append(scope["type"])

    async with switch.quiet(force=False):
        exchange = Exchange(BindingMiddleware(application, switch), type=kind)
        await exchange.task
    assert passed == [kind]


async def test_the_name_in_an_answer_that_has_one_stays(
    middleware: BindingMiddleware, application: Application
) -> None:
    application.headers = [(HEADER.encode(), b"of-the-route")]
    exchange = Exchange(middleware)
    for _ in range(3):
        application.go_on.release()
    await exchange.task
    assert exchange.sent[0]["headers"] == application.headers


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("org/model:v2@step+1", "org/model:v2@step+1"),
        ("größe 1\r\nx: y", "gr%C3%B6%C3%9Fe%201%0D%0Ax:%20y"),
    ],
)
async def test_any_name_can_be_sent(application: Application, name: str, sent: str) -> None:
    exchange = Exchange(BindingMiddleware(application, Switch(deployment_of(name))))
    for _ in range(3):
        application.go_on.release()
    await exchange.task
    assert exchange.header() == sent


# In front of vLLM's application


@pytest.fixture
def server(first: Deployment) -> Server:
    return Server(build_app(), deployment=first)


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_a_score_names_the_checkpoint_too(
    server: Server, path: str, stream: bool
) -> None:
    body = REQUESTS[path] | {"self_reward": False, "stream": stream}
    answer = await server.post(path, body)
    assert answer.status_code == 200
    found = {name for name in answer.headers if name.startswith("x-laserve")}
    assert found == {HEADER, f"{HEADER}-version", "x-laserve-weights"}
    assert answer.headers[HEADER] == "first"
    assert answer.headers[f"{HEADER}-version"] == "1"
    assert answer.headers["x-laserve-weights"] == PARAMETERS.weights


async def test_a_refusal_names_the_checkpoint_too(server: Server) -> None:
    answer = await server.post(CHAT, REQUESTS[CHAT] | {"self_reward": 3})
    assert (answer.status_code, answer.headers[HEADER]) == (400, "first")


async def test_what_is_only_looked_at_names_none(server: Server) -> None:
    async with server.client() as client:
        answer = await client.get("/version")
    assert answer.status_code == 200
    assert HEADER not in answer.headers
