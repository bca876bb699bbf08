"""When two answers are the same: where their keys are."""

import math
from typing import Protocol

from laserve.answers.normal_form import normal_form


class Equality(Protocol):
    """Gives the answers of one request their keys: answers of one key are the same."""

    @property
    def timeouts(self) -> int:
        """Answers whose key took too long: they are compared as strings."""

    async def key(self, answer: str, limit_s: float = math.inf) -> str:
        """The key of an answer, after `limit_s` seconds at most. One call at a time."""


class EqualitySource(Protocol):
    """Makes equalities."""

    def for_request(self) -> Equality:
        """The equality of one request's answers."""


class StringEquality:
    """Answers are the same where their normal forms are (`normal_form`)."""

    timeouts = 0

    async def key(self, answer: str, limit_s: float = math.inf) -> str:
        """As `Equality.key`."""
        return normal_form(answer)
