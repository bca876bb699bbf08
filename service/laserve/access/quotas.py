"""What each key has used of its limits."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from laserve.access.keys import Key
from laserve.errors import LaServeError

_BUSY_S = 1
"""When to come again where a request must end first."""


class QuotaExceededError(LaServeError):
    """A key has used up a limit. Attribute `retry_after_s`: whole seconds until it may go on."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Meter:
    """Counts the tokens of one request."""

    __slots__ = ("tokens",)

    def __init__(self) -> None:
        self.tokens = 0


class Quotas:
    """Counts by the ids of keys, so that a key that takes the place of another goes on with what
    that one has used."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def admitted(self, key: Key) -> AsyncIterator[Meter]:
        """A request of this key, for as long as it is answered; what its meter has counted by then
        is taken off. Raises QuotaExceededError."""
        meter = Meter()
        self._running[key.id] += 1
        try:
            await self._check(key)
            yield meter
        finally:
            self._running[key.id] -= 1
            if key.limits.tokens_per_minute is not None and meter.tokens:
                tokens = _tokens(key.limits.tokens_per_minute)
                await self._limiter.hit(tokens, key.id, cost=meter.tokens)

    async def _check(self, key: Key) -> None:
        limits = key.limits
        most = limits.concurrent_requests
        if most is not None and self._running[key.id] > most:
            raise QuotaExceededError(
                f"{key.id} has {most} requests under way, as many as it may (concurrent_requests): "
                "wait for one to end",
                _BUSY_S,
            )
        if limits.tokens_per_minute is not None:
            tokens = _tokens(limits.tokens_per_minute)
            if not await self._limiter.test(tokens, key.id):
                raise await self._used_up(tokens, key, "tokens_per_minute")
        if limits.requests_per_minute is not None:
            requests = RateLimitItemPerMinute(limits.requests_per_minute, namespace="requests")
            if not await self._limiter.hit(requests, key.id):
                raise await self._used_up(requests, key, "requests_per_minute")

    async def _used_up(self, item: RateLimitItem, key: Key, limit: str) -> QuotaExceededError:
        reset_time, _ = await self._limiter.get_window_stats(item, key.id)
        wait_s = max(1, ceil(reset_time - time.time()))
        return QuotaExceededError(
            f"{key.id} has used up its {limit} of {item.amount}: come again in {wait_s} s", wait_s
        )


def _tokens(per_minute: int) -> RateLimitItem:
    return RateLimitItemPerMinute(per_minute, namespace="tokens")
