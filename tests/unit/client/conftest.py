"""The fake server, and both clients of it."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

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

    if request.param is LaServe:
        with LaServe(fake.url) as sync_client:
            yield only_noting(waits, sync_client)
    else:
        async with AsyncLaServe(fake.url) as async_client:
            yield only_noting(waits, async_client)


Client = TypeVar("Client", LaServe, AsyncLaServe)


def only_noting(waits: Waits, client: Client) -> Client:
    """The client, which notes its waits and does not really wait. They are the longest that the
    jitter allows."""

    async def note(seconds: float) -> None:
        waits.append(seconds)

    if isinstance(client, LaServe):
        client._sleep = waits.append
    else:
        client._sleep = note
    client._retries = replace(client._retries, uniform=lambda low, high: high)
    return client


async def result_of(value: Any) -> Any:
    """What a method of either client returned, awaited if need be; of a stream the events."""
    if inspect.isasyncgen(value):
        return [event async for event in value]
    if inspect.isgenerator(value):
        return list(value)
    return await value if inspect.isawaitable(value) else value
