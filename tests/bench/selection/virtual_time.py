"""An event loop in which waiting takes no time.

Its clock stands still while anything is left to run, and jumps to the next timer when everything
waits: what ends at the same time ends together, whatever the machine does meanwhile.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

from tests.bench.errors import BenchError

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Give it to `asyncio.Runner`; `time()` starts at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self.now

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Arguments]], Result],
        *args: *Arguments,
    ) -> asyncio.Future[Result]:
        """What is meant for a thread runs at once: no virtual time passes meanwhile."""
        future: asyncio.Future[Result] = self.create_future()
        future.set_result(func(*args))
        return future


class _Jumping(selectors.DefaultSelector):
    """The loop asks it to wait where nothing is left to run."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise BenchError("everything waits, and for no timer: this would hang for ever")
        self._loop.now += timeout
        return super().select(0)
