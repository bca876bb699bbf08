"""Whether the server takes requests, and what it tells those that it does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from vllm.exceptions import RetryableRequestError
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

LOAD_PATIENCE_S = 30.0
"""Unless `--load-patience` says otherwise, nobody waits longer for a load in place."""


class Reason(StrEnum):
    """Why the server is not ready."""

    STOPPING = "stopping"
    """It was told to stop."""
    RESTARTING = "restarting"
    """Its engine died, and another one is being started."""
    HUNG = "hung"
    """Its engine gives no sign of life. Requests are taken: it may only be slow."""


class Cause(StrEnum):
    """Why a request is not answered that could be."""

    STOPPING = "the server is being stopped: ask again, of another one"
    RESTARTING = "the engine has died and is being started again: ask again later"
    DIED = "the engine died while it worked on this: ask again"
    LOADING = "a checkpoint is being loaded in place: ask again"


SOON_S = 1
_RETRY_AFTER_S = {
    Cause.STOPPING: SOON_S,
    Cause.RESTARTING: 10,
    Cause.DIED: 10,
    Cause.LOADING: 5,
}
_CLOSED = {Reason.STOPPING: Cause.STOPPING, Reason.RESTARTING: Cause.RESTARTING}
"""The reasons for which no request is taken."""


class Withdrawn(BaseException):
    """A request that will not be answered here, and that may be sent again as it is.

    No Exception, of which vLLM's serving code would make an error of its own, in streams one that
    is not the API's: raised where a generation ends, answered by the request's middleware.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    @classmethod
    def because(cls, cause: Cause) -> "Withdrawn":
        """What is said for this cause."""
        return cls(cause.value, _RETRY_AFTER_S[cause])


class EndedError(RetryableRequestError):
    """Ends a generation (`vllm_seam.engine.fail_requests`), so that its request is withdrawn."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class Readiness:
    """What speaks against the server's being ready."""

    def __init__(self) -> None:
        self.reasons: set[Reason] = set()

    def check_open(self) -> None:
        """Raise Withdrawn where no request is taken."""
        for reason, cause in _CLOSED.items():
            if reason in self.reasons:
                raise Withdrawn.because(cause)


@contextmanager
def withdrawing() -> Iterator[None]:
    """Raise Withdrawn for what an engine raises in this block where it dies, or is told to end what
    it has under way."""
    try:
        yield
    except EngineDeadError as error:
        raise Withdrawn.because(Cause.DIED) from error
    except RetryableRequestError as error:
        raise _withdrawn(error) from error
    except EngineGenerateError as error:  # in vLLM 0.32 because of the other one
        if isinstance(error.__cause__, RetryableRequestError):
            raise _withdrawn(error.__cause__) from error
        raise


def _withdrawn(error: RetryableRequestError) -> Withdrawn:
    if isinstance(error, EndedError):
        return Withdrawn.because(error.cause)
    return Withdrawn(str(error), SOON_S)
