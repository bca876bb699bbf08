"""One sample, from wherever it was drawn."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from laserve.answers.message import Message
from laserve.core.types import SelfReward

Output = TypeVar("Output")


@dataclass(frozen=True, slots=True)
class Sample(Generic[Output]):
    """A completion that has ended in one way or another."""

    index: int
    """Its number among the samples of its request, in the order in which they were started."""
    message: Message
    reward: SelfReward | None
    """None where the request wanted no scores."""
    finish_reason: str
    """As the engine states it: `stop`, `length`, `abort`, ..."""
    completion_tokens: int
    output: Output
    """What the sampler made it of, to be answered with if it wins."""

    @property
    def is_complete(self) -> bool:
        """Whether it came to its own end: what was cut short votes for nothing."""
        return self.finish_reason not in ("length", "abort")

    @property
    def score(self) -> float | None:
        """The self-reward score; None where there is none."""
        return None if self.reward is None else self.reward.score

    @property
    def confidence(self) -> float | None:
        """Calibrated probability of being correct; None where there is none."""
        return None if self.reward is None else self.reward.confidence
