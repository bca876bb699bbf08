"""What is refused for its size, its slowness, or the limits of its key; and when to come again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message
from vllm.exceptions import QueueOverflowError

from laserve.access.key_ring import KeyRing
from laserve.api.middleware.error_shape import RETRY_AFTER_S
from laserve.api.middleware.stack import Gate, surround
from laserve.serving.switch import Switch
from tests.unit.api.errors import error_of
from tests.unit.api.serving import CHAT, REQUESTS, Server
from tests.unit.serving.fake_deployment import BODY_LIMIT

pytestmark = pytest.mark.asyncio

ALICE, BOB = ({"authorization": f"Bearer sk-{name}"} for name in ("alice", "bob"))


def with_keys(server: Server, folder: Path, limits: str) -> Server:
    """The same for alice, who has these limits, and for bob, who has none."""
    file = folder / "keys.toml"
    file.write_text(f"[alice]\nkeys = ['sk-alice']\n{limits}\n[bob]\nkeys = ['sk-bob']\n")
    return Server(server.app, ring=KeyRing([], None, file))


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_key_that_has_used_up_its_requests_is_told_when_to_come_again(
    server: Server, tmp_path: Path, path: str
) -> None:
    server = with_keys(server, tmp_path, "requests_per_minute = 2")
    for _ in range(2):
        assert (await server.post(path, REQUESTS[path], **ALICE)).status_code == 200
    answer = await server.post(path, REQUESTS[path], **ALICE)
    assert "alice has used up its requests_per_minute" in error_of(path, answer, 429)["message"]
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await server.post(path, REQUESTS[path], **BOB)).status_code == 200
    async with server.client() as client:
        assert (await client.get("/version", headers=ALICE)).status_code == 200


@pytest.mark.parametrize("path", REQUESTS)
async def test_an_answer_that_asks_to_come_again_says_when(server: Server, path: str) -> None:
    server.engine.error = QueueOverflowError()
    answer = await server.post(path, REQUESTS[path])
    error_of(path, answer, 503)
    assert answer.headers["retry-after"] == RETRY_AFTER_S


async def asked(
    server: Server, *messages: Message, body_s: float
) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of the answer to a body that comes in these parts, and then nothing."""
    gate = Gate(KeyRing([], None, None), BODY_LIMIT, body_s)
    surround(server.app, Switch(server.deployment), gate)
    parts, sent = list(messages), []

    async def receive() -> Message:
        if parts:
            return parts.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": CHAT, "headers": headers}
    scope |= {"query_string": b"", "http_version": "1.1", "scheme": "http", "state": {}}
    async with asyncio.timeout(30):
        await server.app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


async def test_a_body_that_never_gets_whole_is_given_up(server: Server) -> None:
    half: Message = {"type": "http.request", "body": b'{"model"', "more_body": True}
    status, headers = await asked(server, half, body_s=0.1)
    assert status == 408
    assert headers[b"connection"] == b"close"
    assert server.engine.armed == []


async def test_an_answer_may_take_longer_than_its_body(server: Server) -> None:
    whole: Message = {"type": "http.request", "body": b'{"model": "tiny", "messages": []}'}
    status, _ = await asked(server, whole, body_s=1e-9)
    assert status == 200
