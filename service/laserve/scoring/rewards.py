"""Where the scores of one HTTP request are left: by the engine wrapper, for the answer."""

from laserve.core.types import SelfReward


class Rewards:
    """The self-rewards of one HTTP request, by choice index."""

    def __init__(self) -> None:
        self.by_choice: dict[int, SelfReward] = {}
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
        self.by_choice[choice] = reward
        self._last = choice

    def last(self) -> SelfReward | None:
        """The newest reward: the answer of an API that has one (Responses, Messages)."""
        return None if self._last is None else self.by_choice[self._last]
