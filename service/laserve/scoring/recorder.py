"""How scores travel from the engine wrapper to the HTTP answer that they belong to.

A route opens `recording()` around the code that generates; `ScoredEngine.generate`, called
somewhere below by vLLM's own serving code, finds the recorder and leaves one `SelfReward` per
choice on it, before the choice's final output is yielded. Without a recorder a generation runs
as plain vLLM: unarmed, unscored, at no cost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from laserve.core.types import SelfReward


class Recorder:
    """The self-rewards of one HTTP request, by choice index."""

    def __init__(self) -> None:
        self.rewards: dict[int, SelfReward] = {}
        self._reserved = 0
        self._last: int | None = None

    def reserve(self, n: int) -> int:
        """The first choice index of a generation of ``n`` samples.

        vLLM calls `generate` once per prompt, in the order in which it numbers the choices.
        """
        first = self._reserved
        self._reserved += n
        return first

    def record(self, choice: int, reward: SelfReward) -> None:
        """Leave the reward of one choice."""
        self.rewards[choice] = reward
        self._last = choice

    def last(self) -> SelfReward | None:
        """The newest reward: the answer of an API that has one (Responses, Messages)."""
        return None if self._last is None else self.rewards[self._last]


_current: ContextVar[Recorder | None] = ContextVar("laserve_recorder", default=None)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Score the generations that start inside this block."""
    recorder = Recorder()
    token = _current.set(recorder)
    try:
        yield recorder
    finally:
        _current.reset(token)


def current_recorder() -> Recorder | None:
    """The recorder of the request in work, if its answers are to be scored."""
    return _current.get()
