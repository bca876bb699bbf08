"""When two answers are the same."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from laserve.answers.mathematics import first_equal, prepare
from laserve.answers.normal_form import normal_form
from laserve.answers.worker import Worker

MAX_MATH_CHARS = 512
"""Longer answers are compared as strings only."""


class Equality(Protocol):
    """Sorts the answers of one request into groups."""

    @property
    def timeouts(self) -> int:
        """Comparisons that took too long: they count as of different answers."""

    async def find(self, answer: str, representatives: Sequence[str]) -> int | None:
        """Index of the group that an answer joins, given one answer of each; None for a group of
        its own. One call at a time."""


class StringEquality:
    """Answers are the same where their normal forms are (`normal_form`)."""

    timeouts = 0

    async def find(self, answer: str, representatives: Sequence[str]) -> int | None:
        """As `Equality.find`."""
        return _find_string(answer, representatives)


class MathEquality:
    """Answers are the same where their normal forms are, or math-verify finds them equal
    (`mathematics.first_equal`). Make one for each request.

    After the first comparison that takes too long, or waits too long for another request's, the
    rest of the request compares normal forms only: a hostile one costs one process.
    """

    def __init__(self, pool: "MathEqualityPool") -> None:
        self.timeouts = 0
        self._pool = pool
        # They prepare themselves while the answers are generated.
        pool.start()

    async def find(self, answer: str, representatives: Sequence[str]) -> int | None:
        """As `Equality.find`."""
        same = _find_string(answer, representatives)
        if same is not None or self.timeouts or len(answer) > MAX_MATH_CHARS:
            return same
        short = [i for i, other in enumerate(representatives) if len(other) <= MAX_MATH_CHARS]
        if not short:
            return None
        try:
            found = await self._pool.first_equal(answer, [representatives[i] for i in short])
        except TimeoutError:
            self.timeouts += 1
            return None
        return None if found is None else short[found]


class MathEqualityPool:
    """Processes that compare answers by math-verify, for all requests of a server.

    A call may take `timeout_s` seconds, and as long again to wait for a process that is free. No
    call is charged for the start of a process, its own or one that it waits for.
    """

    def __init__(self, workers: int = 2, timeout_s: float = 1.0) -> None:
        self._timeout_s = timeout_s
        self._workers = [Worker(first_equal, timeout_s, prepare) for _ in range(workers)]
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

    async def first_equal(self, answer: str, representatives: Sequence[str]) -> int | None:
        """As `mathematics.first_equal`, without blocking the event loop. Raises TimeoutError where
        it takes too long, or no process becomes free."""
        call = self._threads.submit(self._first_equal, answer, tuple(representatives))
        outcome = asyncio.wrap_future(call)
        try:
            was_starting = True
            while was_starting and not outcome.done():
                was_starting = self._is_starting()
                await asyncio.wait([outcome], timeout=self._timeout_s)
                was_starting |= self._is_starting()
            # Only what has not begun can be cancelled.
            if call.cancel():
                raise TimeoutError(f"no process became free in {self._timeout_s:g} s")
            return await outcome
        finally:
            outcome.cancel()

    def close(self) -> None:
        """End the processes. The pool cannot be used any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _is_starting(self) -> bool:
        return any(worker.is_starting() for worker in self._workers)

    def _first_equal(self, answer: str, representatives: Sequence[str]) -> int | None:
        worker = self._free.pop()
        try:
            return worker(answer, representatives)
        finally:
            # The last one is taken first: it is prepared.
            self._free.insert(0 if worker.is_starting() else len(self._free), worker)


def _find_string(answer: str, representatives: Sequence[str]) -> int | None:
    form = normal_form(answer)
    for index, other in enumerate(representatives):
        if normal_form(other) == form:
            return index
    return None
