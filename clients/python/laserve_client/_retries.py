"""Whether a failed request is sent again, and when."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from laserve_client._errors import (
    ClientError,
    ConnectionFailedError,
    RateLimitedError,
    TimedOutError,
    UnavailableError,
)

BASE_S = 0.5
LONGEST_BACKOFF_S = 8.0
LONGEST_RETRY_AFTER_S = 60.0
"""A server that asks for more is asked again after this all the same."""


@dataclass(frozen=True)
class Retries:
    """Exponential backoff with full jitter.

    Repeated are 429 and 503, and connections that failed before anything of an answer was
    received, unless the request is to be sent only `once`. Other statuses would come again, and a
    generation that timed out would only be started a second time.
    """

    most: int
    uniform: Callable[[float, float], float] = random.uniform
    """Draws the jitter, between two numbers of seconds."""

    def wait_s(self, error: ClientError, retries: int, *, once: bool = False) -> float | None:
        """How long to wait after `error`, with `retries` already made; None: not again."""
        if retries >= self.most:
            return None
        if isinstance(error, RateLimitedError | UnavailableError):
            if error.retry_after_s is not None:
                return min(error.retry_after_s, LONGEST_RETRY_AFTER_S)
        elif once or not (
            isinstance(error, ConnectionFailedError | TimedOutError) and error.repeatable
        ):
            return None
        return self.uniform(0.0, min(LONGEST_BACKOFF_S, BASE_S * 2**retries))
