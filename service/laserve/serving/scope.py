"""What belongs to one HTTP request, from its arrival to the end of its answer.

The request's middleware opens the scope (`api.middleware.binding`), its route says what is asked
for (`rewards`, `plan`), and `Switch.generate`, called somewhere below by vLLM's serving code, finds
the scope and leaves on it what came of that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from vllm.outputs import RequestOutput

from laserve.scoring.rewards import Rewards
from laserve.selecting.plan import SelectionPlan
from laserve.selection.selector import Selection
from laserve.serving.deployment import Deployment


@dataclass(slots=True)
class RequestScope:
    """One HTTP request."""

    deployment: Deployment
    """The checkpoint that was active when it arrived, which answers it."""
    rewards: Rewards | None = None
    """Where the self-rewards go; None: the generations are plain vLLM's."""
    plan: SelectionPlan | None = None
    """The selection that is asked for; None: each generation is an answer."""
    selection: Selection[RequestOutput] | None = None
    """How the selection ended; there before the first output is."""


_current: ContextVar[RequestScope | None] = ContextVar("laserve_request", default=None)


@contextmanager
def request_scope(deployment: Deployment) -> Iterator[RequestScope]:
    """A new request, which is over at the end of this block."""
    scope = RequestScope(deployment)
    with deployment.requests.one_more():
        token = _current.set(scope)
        try:
            yield scope
        finally:
            _current.reset(token)


def current_scope() -> RequestScope | None:
    """The request in work; None outside of any."""
    return _current.get()
