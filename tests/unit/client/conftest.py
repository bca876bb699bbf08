"""The fake server, and both clients of it."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from laserve_client import AsyncLaServe, LaServe
from tests.unit.client.fake_server import FakeLaServe, running

Waits = list[float]
Call = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeLaServe]:
    fake = FakeLaServe()
    with running(fake):
        yield fake


@pytest.fixture
def fake(fake_server: FakeLaServe) -> FakeLaServe:
    fake_server.reset()
    return fake_server


@pytest.fixture
def waits() -> Waits:
    """How long the clients waited before they tried again; they do not really wait."""
    return []


@pytest.fixture(params=[LaServe, AsyncLaServe])
async def client(
    request: pytest.FixtureRequest, fake: FakeLaServe, waits: Waits
) -> AsyncIterator[Any]:
    """Each of the two. Their waits are the longest that the jitter allows."""

    async def async_sleep(seconds: float) -> None:
        waits.append(seconds)

    longest: Any = lambda low, high: high  # noqa: E731
    if request.param is LaServe:
        with LaServe(fake.url, sleep=waits.append, uniform=longest) as sync_client:
            yield sync_client
    else:
        async with AsyncLaServe(fake.url, sleep=async_sleep, uniform=longest) as async_client:
            yield async_client


async def result_of(value: Any) -> Any:
    """What a method of either client returned, awaited if need be; of a stream the events."""
    if inspect.isasyncgen(value):
        return [event async for event in value]
    if inspect.isgenerator(value):
        return list(value)
    return await value if inspect.isawaitable(value) else value
