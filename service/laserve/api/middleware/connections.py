"""Connections on which no request ever gets whole, closed.

uvicorn limits how long a connection may be idle after an answer, and not how long the head of a
request may take: without this, whoever opens connections and sends a byte now and then keeps them.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import uvicorn
from starlette.datastructures import State

LOOK_S = 1.0
"""How often the connections are looked at."""

_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


async def close_half_open(state: State, limit_s: float) -> None:
    """Close whatever waits for the head of a request for longer than `limit_s` seconds, until
    cancelled. ``state``: vLLM's `app.state`, where it leaves its server when that starts."""
    since: dict[tuple[Any, Any], float] = {}
    """By the connection, and the request before on it."""
    while True:
        await asyncio.sleep(min(LOOK_S, limit_s))
        server: uvicorn.Server | None = getattr(state, "server", None)
        if server is None:
            continue
        now = time.monotonic()
        connections: Iterable[Any] = server.server_state.connections
        waiting = [one for one in connections if _is_half_open(one)]
        since = {key: since.get(key, now) for key in ((one, one.cycle) for one in waiting)}
        for (connection, _), began in since.items():
            if now - began >= limit_s and not connection.transport.is_closing():
                connection.transport.write(_LATE)
                connection.transport.close()


def _is_half_open(connection: Any) -> bool:
    """Whether it neither has a request in work nor is idle after one, which uvicorn's own timer
    ends. What is no HTTP connection any more, a websocket, has no such timer."""
    if not hasattr(connection, "timeout_keep_alive_task"):
        return False
    cycle = connection.cycle
    in_work = cycle is not None and not cycle.response_complete
    return not in_work and connection.timeout_keep_alive_task is None
