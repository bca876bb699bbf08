"""How much is under way, and how long an engine has been waited for by nobody."""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Count:
    """A number of holders, and an event for when there is none."""

    def __init__(self) -> None:
        self.value = 0
        self.none = asyncio.Event()
        self.none.set()

    def enter(self) -> None:
        """One more."""
        self.value += 1
        self.none.clear()

    def leave(self) -> None:
        """One less."""
        self.value -= 1
        if self.value == 0:
            self.none.set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """One more inside this block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


class UnderWay(Count):
    """Generations of one engine. Each waits for it, but while its reader has an output."""

    def __init__(self) -> None:
        super().__init__()
        self.silent_since = -math.inf
        """When the last one ceased to wait, by `time.monotonic`; of no meaning while one waits."""
        self._with_readers = 0

    @property
    def is_awaited(self) -> bool:
        """Whether a generation waits for the engine."""
        return self.value > self._with_readers

    def leave(self) -> None:
        """One has ended."""
        super().leave()
        if self.value == self._with_readers:
            self.silent_since = time.monotonic()

    def hand_over(self) -> None:
        """A reader has an output."""
        self._with_readers += 1
        if self.value == self._with_readers:
            self.silent_since = time.monotonic()

    def take_up(self) -> None:
        """It came back for the next one."""
        self._with_readers -= 1
