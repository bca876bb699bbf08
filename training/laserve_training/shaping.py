"""Rewards beside the verifier's, of `[[laser.rewards]]`: they shape the advantage, and the score is
trained towards the verdict alone."""

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from trl.rewards import get_soft_overlong_punishment

from laserve.core.dotted import load_function
from laserve_training.config import FormatReward, FunctionReward, LaserTable, LengthReward

RewardFunction = Callable[..., Any]
"""TRL's `RewardFunc`."""


def shaping_rewards(table: LaserTable) -> list[RewardFunction]:
    """A function for each of `table.rewards`, in order. Raises ConfigurationError for a function of
    the user's that there is not."""
    return [_function(reward, table.max_completion_length) for reward in table.rewards]


def reward_weights(table: LaserTable) -> list[float]:
    """Weights of all rewards; the first is the verifier's."""
    return [1.0, *(reward.weight for reward in table.rewards)]


class PatternReward:
    """1 for a completion that a regular expression matches as a whole, 0 for any other."""

    __name__ = "format"
    """Under which TRL logs it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern, re.DOTALL)

    def __call__(self, *, completions: Sequence[Sequence[dict[str, Any]]], **_: Any) -> list[float]:
        """A reward for each completion, a conversation of one message."""
        return [float(bool(self._pattern.fullmatch(one[0]["content"]))) for one in completions]


def _function(
    reward: FormatReward | LengthReward | FunctionReward, max_completion_length: int
) -> RewardFunction:
    match reward:
        case FormatReward():
            return PatternReward(reward.pattern)
        case LengthReward():
            make = cast(Callable[[int, int], RewardFunction], get_soft_overlong_punishment)
            return make(max_completion_length, reward.buffer)
        case FunctionReward():
            return load_function(reward.function, "reward")
