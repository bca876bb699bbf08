"""A load of a checkpoint, followed to its end. No input or output here."""

import time
from collections.abc import Callable

from laserve_client._errors import CheckpointRejectedError, TimedOutError
from laserve_client._types import CheckpointJob

POLL_S = 1.0
"""How long to wait before the server is asked again."""

DEFAULT_LOAD_TIMEOUT_S = 3600.0

OnState = Callable[[CheckpointJob], None]
"""Told the load in each state that was seen."""


class Follower:
    """Takes the answers about one load; tells when there is nothing more to ask."""

    def __init__(self, *, wait: bool, timeout_s: float, on_state: OnState | None) -> None:
        self._wait = wait
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._on_state = on_state
        self._state: str | None = None

    def is_done(self, job: CheckpointJob) -> bool:
        """Whether `job`, the newest answer, is the last. Raises CheckpointRejectedError where the
        end was waited for and is a rejection, TimedOutError."""
        if job.state != self._state:
            self._state = job.state
            if self._on_state is not None:
                self._on_state(job)
        if not self._wait:
            return True
        if job.is_rejected:
            raise CheckpointRejectedError(job)
        if not job.has_ended and time.monotonic() >= self._deadline:
            raise TimedOutError(
                f"{job.id} is still {job.state} after {self._timeout_s:g} s; the server goes on "
                "with it, and its list of checkpoints tells how it ends"
            )
        return job.has_ended
