"""Abstained requests at an upstream that answers, fails, hangs, or breaks off."""

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from prometheus_client import CollectorRegistry

from laserve.answers.math_equality import MathEqualityPool
from laserve.api.generating.escalation import escalated, escalated_events
from laserve.api.generating.selecting import Choosing
from laserve.api.metrics.selection import SelectionMetrics
from laserve.api.state import LaServeState, SelectionSettings
from laserve.api.upstream import Upstream
from laserve.selecting.plan import Planner, SelectionPlan, read_plainly
from laserve.selection.options import SelectionOptions
from laserve.serving.scope import RequestScope
from tests.unit.selection.samples import sample, select
from tests.unit.serving.fake_deployment import deployment_of
from tests.unit.serving.fake_serving import PARAMETERS

OWN = {
    "model": "tiny",
    "choices": [{"index": 0, "message": {"content": "own"}, "self_reward": {"score": 0.1}}],
    "usage": {"prompt_tokens": 4, "completion_tokens": 10, "total_tokens": 14},
}
THEIRS = {
    "model": "large",
    "choices": [{"index": 0, "message": {"content": "theirs"}}],
    "usage": {"total_tokens": 99},
}
BODY = {"model": "tiny", "messages": [], "top_k": 3, "self_reward": True, "selection": {}}
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


def answering(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> Handler:
    """An upstream that sends this and closes."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"connection: close\r\n\r\n" + body)

    return handle


async def hanging(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


class Heard(list[tuple[str, dict[str, str], dict[str, Any]]]):
    """Path, headers and body of the requests that an upstream got."""


@asynccontextmanager
async def upstream(handler: Handler, heard: Heard | None = None) -> AsyncGenerator[Upstream, None]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        if heard is not None:
            heard.append((first.split()[1], headers, body))
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = Upstream(f"http://127.0.0.1:{port}/v1/", "large", "sk-up", timeout_s=0.5)
    try:
        yield asked
    finally:
        await asked.close()
        server.close()


async def abstained(
    asked: Upstream | None,
    *,
    confidence: float = 0.2,
    minimum: float | None = 0.9,
    answer: str = "text",
    **options: Any,
) -> tuple[Request, Choosing]:
    """A request whose selection is over."""
    wanted = SelectionOptions(n_max=1, min_confidence=minimum, **options)
    settings = SelectionSettings(
        Planner({}, MathEqualityPool()), asked, SelectionMetrics("tiny", CollectorRegistry())
    )
    given = [sample(0, "own", 0.2, confidence)]
    selection: Any = await select(given, min_confidence=minimum, answer=answer)
    deployment = deployment_of(PARAMETERS.checkpoint)
    plan = SelectionPlan(wanted, None, (), read_plainly)  # type: ignore[arg-type]
    state = SimpleNamespace(laserve=LaServeState(settings, lambda: deployment), args=Namespace())
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [],
        "query_string": b"",
        "server": ("laserve", 80),
        "app": SimpleNamespace(state=state),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(BODY).encode()}

    over = RequestScope(deployment, lambda: deployment, plan=plan, selection=selection)
    return Request(scope, receive), Choosing(plan, over, settings)


async def test_the_upstreams_completion_is_the_answer_and_its_usage_stands_apart() -> None:
    heard = Heard()
    async with upstream(answering(json.dumps(THEIRS).encode()), heard) as asked:
        request, choosing = await abstained(asked)
        body = await escalated(request, choosing, OWN)
    assert body == {**THEIRS, "usage": OWN["usage"]}
    report = choosing.outcome.upstream
    assert report is not None
    assert (report.status, report.model, report.usage) == ("answered", "large", THEIRS["usage"])
    ((path, headers, sent),) = heard
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer sk-up"
    # Without the fields that are ours, with the upstream's model.
    assert sent == {"model": "large", "messages": [], "top_k": 3}


@pytest.mark.parametrize(
    ("handler", "status", "message"),
    [
        (answering(b'{"error": "no"}', b"HTTP/1.1 500 Oh\r\n"), "error", '500: {"error": "no"}'),
        (answering(b"", b"HTTP/1.1 429 Busy\r\n"), "error", "429"),
        (answering(b"<html>"), "error", "no JSON"),
        (answering(b"[]"), "error", "no choices"),
        (answering(b'{"choices": []}'), "error", "no choices"),
        (answering(b"abc", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n"), "error", "reached"),
        (hanging, "timeout", "too long"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_where_the_upstream_fails_the_own_answer_stands_and_says_so(
    handler: Handler, status: str, message: str, stream: bool
) -> None:
    async with upstream(handler) as asked:
        request, choosing = await abstained(asked)
        if stream:
            assert await played(request, choosing) == OWN_EVENTS
        else:
            assert await escalated(request, choosing, OWN) is OWN
    report = choosing.outcome.upstream
    assert report is not None
    assert report.status == status
    if not stream:
        assert message in str(report.message)


async def test_an_upstream_that_nobody_is_at_is_reported() -> None:
    asked = Upstream("http://127.0.0.1:1/v1", "large", None, timeout_s=5)
    request, choosing = await abstained(asked)
    assert await escalated(request, choosing, OWN) is OWN
    report = choosing.outcome.upstream
    assert report is not None
    assert "cannot be reached" in str(report.message)
    await asked.close()


async def test_a_request_that_no_sample_answers_is_forwarded_too() -> None:
    async with upstream(answering(json.dumps(THEIRS).encode())) as asked:
        request, choosing = await abstained(asked, confidence=0.99, minimum=None, answer="boxed")
        body = await escalated(request, choosing, OWN)
    assert body == {**THEIRS, "usage": OWN["usage"]}
    assert choosing.outcome.abstained


@pytest.mark.parametrize(
    ("change", "configured"),
    [
        ({"confidence": 0.95}, True),
        ({"minimum": None}, True),
        ({"escalate": False}, True),
        ({"escalate": False, "answer": "boxed"}, True),
        ({}, False),
    ],
)
async def test_nothing_is_forwarded_without_an_abstention_the_wish_and_an_upstream(
    change: dict[str, Any], configured: bool
) -> None:
    heard = Heard()
    async with upstream(answering(b"{}"), heard) as asked:
        request, choosing = await abstained(asked if configured else None, **change)
        assert await escalated(request, choosing, OWN) is OWN
        assert await played(request, choosing) == OWN_EVENTS
    assert heard == []
    assert choosing.outcome.upstream is None


def event(**chunk: Any) -> str:
    return f"data: {json.dumps(chunk, separators=(',', ':'), ensure_ascii=False)}\n\n"


OWN_EVENTS = [
    event(choices=[{"delta": {"content": "own"}, "finish_reason": None}]),
    event(choices=[{"delta": {}, "finish_reason": "stop"}]),
    event(choices=[], usage={"completion_tokens": 10}),
    "data: [DONE]\n\n",
]


async def played(request: Request, choosing: Choosing) -> list[str]:
    async def own() -> AsyncGenerator[str, None]:
        for one in OWN_EVENTS:
            yield one

    return [one async for one in escalated_events(request, choosing, own())]


def chunks(events: list[str]) -> list[dict[str, Any]]:
    return [json.loads(one.removeprefix("data: ")) for one in events]


async def test_the_upstreams_stream_is_forwarded_with_this_servers_usage() -> None:
    theirs = [
        ": keep-alive\n\n",
        event(choices=[{"delta": {"content": "a\u2028b"}}]),
        event(choices=[{"delta": {}, "finish_reason": "stop"}]),
        event(choices=[], usage={"completion_tokens": 77}),
        "data: [DONE]\n\n",
    ]
    sent = "".join(theirs).replace("\n", "\r\n").encode()
    async with upstream(answering(sent, STREAM)) as asked:
        request, choosing = await abstained(asked)
        *events, usage, done = await played(request, choosing)
    assert [chunk["choices"] for chunk in chunks(events)] == [
        [{"delta": {"content": "a\u2028b"}}],
        [{"delta": {}, "finish_reason": "stop"}],
    ]
    assert [usage, done] == OWN_EVENTS[-2:]
    assert choosing.outcome.upstream is not None
    assert choosing.outcome.upstream.status == "answered"


async def test_an_upstream_that_answers_at_once_where_a_stream_is_asked_is_reported() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    async with upstream(answering(json.dumps(THEIRS).encode(), head)) as asked:
        request, choosing = await abstained(asked)
        assert await played(request, choosing) == OWN_EVENTS
    assert choosing.outcome.upstream is not None
    message = str(choosing.outcome.upstream.message)
    assert "does not stream" in message
    assert "application/json" in message


@pytest.mark.parametrize(
    "end", [b"", b"data: {broken\n\n", b'data: {"error": {"message": "out of memory"}}\n\n']
)
async def test_a_stream_that_breaks_off_ends_with_an_error(end: bytes) -> None:
    begun = event(choices=[{"delta": {"content": "a"}}]).encode()
    async with upstream(answering(begun + end, STREAM)) as asked:
        request, choosing = await abstained(asked)
        first, broken, _, done = await played(request, choosing)
    assert json.loads(first[6:])["choices"]
    assert "upstream" in json.loads(broken[6:])["error"]["message"]
    assert done == "data: [DONE]\n\n"
