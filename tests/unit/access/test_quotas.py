"""What a key may use, and that one has nothing to do with another."""

import asyncio

import pytest

from laserve.access.keys import Key, Limits
from laserve.access.quotas import QuotaExceededError, Quotas

pytestmark = pytest.mark.asyncio


def key_of(name: str, **limits: int) -> Key:
    return Key(name, limits=Limits.model_validate(limits))


async def use(quotas: Quotas, key: Key, tokens: int = 0) -> None:
    async with quotas.admitted(key) as meter:
        meter.tokens += tokens


async def test_requests_of_a_minute_are_counted_for_each_key() -> None:
    quotas, alice = Quotas(), key_of("alice", requests_per_minute=2)
    for _ in range(2):
        await use(quotas, alice)
    with pytest.raises(QuotaExceededError, match="alice .* requests_per_minute of 2") as refused:
        await use(quotas, alice)
    assert 1 <= refused.value.retry_after_s <= 60
    await use(quotas, key_of("bob", requests_per_minute=2))


async def test_tokens_are_counted_when_they_are_known_and_the_last_request_may_go_beyond() -> None:
    quotas, alice = Quotas(), key_of("alice", tokens_per_minute=100)
    await use(quotas, alice, 99)
    await use(quotas, alice, 10_000)
    with pytest.raises(QuotaExceededError, match="tokens_per_minute of 100"):
        await use(quotas, alice)


async def test_tokens_of_a_request_that_fails_count_too() -> None:
    quotas, alice = Quotas(), key_of("alice", tokens_per_minute=100)

    async def fail() -> None:
        async with quotas.admitted(alice) as meter:
            meter.tokens += 100
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    with pytest.raises(QuotaExceededError):
        await use(quotas, alice)


async def test_requests_at_a_time_are_counted_to_their_end_however_they_come() -> None:
    quotas, alice = Quotas(), key_of("alice", concurrent_requests=2, requests_per_minute=1000)
    go_on = asyncio.Event()
    entered: list[int] = []

    async def one(number: int) -> None:
        async with quotas.admitted(alice):
            entered.append(number)
            await go_on.wait()

    tasks = [asyncio.create_task(one(number)) for number in range(10)]
    await asyncio.sleep(0.05)
    refused = [task for task in tasks if task.done()]
    assert (len(entered), len(refused)) == (2, 8)
    assert all(isinstance(task.exception(), QuotaExceededError) for task in refused)
    tasks[entered[0]].cancel()
    go_on.set()
    await asyncio.wait(tasks)
    await asyncio.gather(use(quotas, alice), use(quotas, alice))
