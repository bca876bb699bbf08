"""Whether the server takes requests, and what it tells those that it does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from vllm.exceptions import RetryableRequestError
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError


class Reason(StrEnum):
    """Why the server is not ready."""

    STOPPING = "stopping"
    """It was told to stop."""
    RESTARTING = "restarting"
    """Its engine died, and another one is being started."""
    HUNG = "hung"
    """Its engine gives no sign of life. Requests are taken: it may only be slow."""


_SOON_S, _RESTART_S = 1, 10

_REFUSALS = {
    Reason.STOPPING: ("the server is being stopped: ask again, of another one", _SOON_S),
    Reason.RESTARTING: (
        "the engine has died and is being started again: ask again later",
        _RESTART_S,
    ),
}
"""Those for which no request is taken -> what is said, and when to ask again (seconds)."""


class Withdrawn(BaseException):
    """A request that will not be answered here, and that may be sent again as it is.

    No Exception, of which vLLM's serving code would make an error of its own, in streams one that
    is not the API's: raised where a generation ends, answered by the request's middleware.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    @classmethod
    def because(cls, reason: Reason) -> "Withdrawn":
        """What is said for a reason that no request is taken for."""
        return cls(*_REFUSALS[reason])


class Readiness:
    """What speaks against the server's being ready."""

    def __init__(self) -> None:
        self.reasons: set[Reason] = set()

    def check_open(self) -> None:
        """Raise Withdrawn where no request is taken."""
        for reason in _REFUSALS:
            if reason in self.reasons:
                raise Withdrawn.because(reason)


@contextmanager
def withdrawing() -> Iterator[None]:
    """Raise Withdrawn for what an engine raises in this block where it dies, or is told to end what
    it has under way (`vllm_seam.engine.fail_requests`)."""
    try:
        yield
    except EngineDeadError as error:
        raise Withdrawn("the engine died while it worked on this: ask again", _RESTART_S) from error
    except RetryableRequestError as error:
        raise Withdrawn(str(error), _SOON_S) from error
    except EngineGenerateError as error:  # in vLLM 0.32 because of the other one
        if isinstance(error.__cause__, RetryableRequestError):
            raise Withdrawn(str(error.__cause__), _SOON_S) from error
        raise
