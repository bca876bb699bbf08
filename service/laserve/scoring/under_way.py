"""The generations of one engine that are under way, and how long it has been waited for by none."""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager


class UnderWay:
    """Counts generations. Each of them waits for the engine, but while its reader has an output."""

    def __init__(self) -> None:
        self.count = 0
        self.none = asyncio.Event()
        self.none.set()
        self.silent_since = -math.inf
        """When the last one ceased to wait, by `time.monotonic`; of no meaning while one waits."""
        self._with_readers = 0

    @property
    def is_awaited(self) -> bool:
        """Whether a generation waits for the engine."""
        return self.count > self._with_readers

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """A generation is under way inside this block."""
        self.count += 1
        self.none.clear()
        try:
            yield
        finally:
            self.count -= 1
            if self._with_readers == self.count:
                self.silent_since = time.monotonic()
            if self.count == 0:
                self.none.set()

    def hand_over(self) -> None:
        """A reader has an output."""
        self._with_readers += 1
        if self._with_readers == self.count:
            self.silent_since = time.monotonic()

    def take_up(self) -> None:
        """It came back for the next one."""
        self._with_readers -= 1
