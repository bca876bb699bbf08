"""Mathematical equality: keys are worked out in processes that can be ended."""

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor

from laserve.answers.equality import Equality
from laserve.answers.mathematics.key import math_key
from laserve.answers.normal_form import normal_form
from laserve.answers.worker import Worker
from laserve.errors import ConfigurationError

PATIENCE_S = 30.0
REQUEST_LIMIT_S = 60.0
"""Of all waits of one request: processes that die again and again are starting for ever."""


class MathEquality:
    """Answers are the same where they are mathematically (`mathematics.key.math_key`). Make one for
    each request.

    An answer whose key takes too long, waits too long for another request's, or finds no process
    that works, has its normal form for a key: it is the same as answers of that, and as no other.
    So has every answer that is left when the request has waited for `limit_s` seconds in all, or
    when the limit of the call is over.
    """

    def __init__(self, pool: "MathEqualityPool", limit_s: float = REQUEST_LIMIT_S) -> None:
        self.timeouts = 0
        self._pool = pool
        self._left_s = limit_s
        self._keys: dict[str, str] = {}
        # They prepare themselves while the answers are generated.
        pool.start()

    async def key(self, answer: str, limit_s: float = math.inf) -> str:
        """As `Equality.key`."""
        form = normal_form(answer)
        # Asked once: one text has one key, also where the second call would have been in time.
        if form not in self._keys:
            self._keys[form] = await self._key(form, min(limit_s, self._left_s))
        return self._keys[form]

    async def _key(self, form: str, limit_s: float) -> str:
        began = time.monotonic()
        try:
            return await self._pool.key(form, limit_s)
        except (TimeoutError, ConfigurationError):
            self.timeouts += 1
            return f"string:{form}"
        finally:
            self._left_s -= time.monotonic() - began


class MathEqualityPool:
    """Processes that work out keys, for all requests of a server.

    A call may take `timeout_s` seconds, and wait `patience_s` for a process that is free: a hundred
    of the worst answers, of which none takes half a second, do not make others be compared as
    strings. No call is charged for the start of a process, its own or one that it waits for.
    """

    def __init__(
        self, workers: int = 2, timeout_s: float = 1.0, patience_s: float = PATIENCE_S
    ) -> None:
        self._patience_s = patience_s
        self._workers = [Worker(math_key, timeout_s, prepare) for _ in range(workers)]
        self._free = list(self._workers)
        # As many threads as workers: who runs in one of them finds a worker free.
        self._threads = ThreadPoolExecutor(workers, "math-equality")
        self._is_started = False

    def start(self) -> None:
        """Starts the processes, without waiting for them."""
        if not self._is_started:
            self._is_started = True
            for worker in self._workers:
                self._threads.submit(worker.start)

    async def ready(self) -> None:
        """Start the processes, and return when they are prepared. Raises ConfigurationError where
        one cannot be started."""
        self.start()
        starts = [self._threads.submit(worker.wait_until_prepared) for worker in self._workers]
        await asyncio.gather(*map(asyncio.wrap_future, starts))

    def for_request(self) -> Equality:
        """The equality of one request's answers."""
        return MathEquality(self)

    async def key(self, answer: str, limit_s: float = REQUEST_LIMIT_S) -> str:
        """The key of an answer, without blocking the event loop. Raises TimeoutError where it takes
        too long, or is not there after `limit_s` seconds, those of starts included."""
        if limit_s <= 0:
            raise TimeoutError("no time is left")
        until = time.monotonic() + limit_s
        call = self._threads.submit(self._key, answer)
        outcome = asyncio.wrap_future(call)
        try:
            was_starting = True
            while was_starting and not outcome.done() and (left := until - time.monotonic()) > 0:
                was_starting = self._is_starting()
                await asyncio.wait([outcome], timeout=min(left, self._patience_s))
                was_starting |= self._is_starting()
            # Only what has not begun can be cancelled.
            if call.cancel():
                raise TimeoutError("no process became free in time")
            return await asyncio.wait_for(outcome, max(until - time.monotonic(), 0.0))
        finally:
            outcome.cancel()

    def close(self) -> None:
        """End the processes. The pool cannot be used any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _is_starting(self) -> bool:
        return any(worker.is_starting() for worker in self._workers)

    def _key(self, answer: str) -> str:
        worker = self._free.pop()
        try:
            return worker(answer)
        finally:
            # The last one is taken first: it is prepared.
            self._free.insert(0 if worker.is_starting() else len(self._free), worker)


def prepare() -> None:
    """Do what only the first call does."""
    math_key(r"\sin x + \Gamma(x)^{\sqrt 2} = 1")
