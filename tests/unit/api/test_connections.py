"""Connections that never become a request are closed; all others are left alone."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
import uvicorn
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

from laserve.api.middleware.connections import close_half_open

pytestmark = pytest.mark.asyncio

LIMIT_S = 0.5
WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HALF = WHOLE[:-4]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes three times as long as the head of a request may."""
    await asyncio.sleep(3 * LIMIT_S)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def running(http: str) -> AsyncIterator[int]:
    """The port of a real uvicorn, watched."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            application, http=http, lifespan="off", log_config=None, timeout_keep_alive=5
        )
        server, state = uvicorn.Server(config), State()
        closing = asyncio.create_task(close_half_open(state, LIMIT_S))
        serving = asyncio.create_task(server.serve([bound]))
        state.server = server
        try:
            async with asyncio.timeout(10):
                while not server.started:  # noqa: ASYNC110 - uvicorn's own flag
                    await asyncio.sleep(0.01)
            yield bound.getsockname()[1]
        finally:
            closing.cancel()
            server.should_exit = True
            await serving


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("before", [b"", WHOLE])
@pytest.mark.parametrize("sent", [b"", HALF])
async def test_a_head_that_never_gets_whole_is_given_up_however_often_a_byte_comes(
    http: str, before: bytes, sent: bytes
) -> None:
    if before and not sent:
        return  # idle after an answer, which is uvicorn's own to end
    async with running(http) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if before:
            writer.write(before)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(sent)
        begin = monotonic()
        reading = asyncio.create_task(reader.read())
        while not reading.done() and monotonic() - begin < 20 * LIMIT_S:
            await asyncio.sleep(LIMIT_S / 5)
            if sent and not reading.done():
                writer.write(b"a")
        assert reading.done()
        assert (await reading).startswith(b"HTTP/1.1 408")
        writer.close()


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_requests_one_after_another_on_a_connection_are_left_alone(http: str) -> None:
    async with running(http) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(HALF)
            await asyncio.sleep(LIMIT_S / 2)
            writer.write(WHOLE[len(HALF) :])
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(2 * LIMIT_S)
        writer.close()
