"""What belongs to one HTTP request, from its arrival to the end of its answer.

The request's middleware opens the scope (`api.middleware.binding`), its route says what is asked
for (`rewards`, `plan`), and `Switch.generate`, called somewhere below by vLLM's serving code, finds
the scope and leaves on it what came of that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from vllm.outputs import RequestOutput

from laserve.access.quotas import Meter
from laserve.core.types import SelfReward
from laserve.scoring.rewards import Rewards
from laserve.selecting.plan import SelectionPlan
from laserve.selection.selector import Selection
from laserve.serving.deployment import Deployment


@dataclass(slots=True)
class RequestScope:
    """One HTTP request."""

    bound: Deployment
    """The checkpoint that was active when it arrived."""
    active: Callable[[], Deployment]
    """Tells the one that is active now."""
    rewards: Rewards | None = None
    """Where the self-rewards go; None: the generations are plain vLLM's."""
    plan: SelectionPlan | None = None
    """The selection that is asked for; None: each generation is an answer."""
    meter: Meter | None = None
    """Counts what its key has a limit of; None where nobody asks."""
    selection: Selection[RequestOutput] | None = None
    """How the selection ended; there before the first output is."""

    @property
    def deployment(self) -> Deployment:
        """The checkpoint that answers: the one that it is bound to, unless it began too late
        to be waited for."""
        return self.active() if self.bound.is_over else self.bound

    @property
    def first_reward(self) -> SelfReward | None:
        """Of the first sample that was started: a request's samples are not independent, and those
        that end first, or are chosen, are not like the others. None where it was not scored."""
        if self.selection is not None:
            return self.selection.samples[0].reward
        return None if self.rewards is None else self.rewards.by_choice.get(0)

    def end(self) -> None:
        """Have the checkpoint that answered take note of the score."""
        reward, deployment = self.first_reward, self.deployment
        if reward is None or reward.score is None:
            return
        if reward.checkpoint_version == deployment.version:
            deployment.answered(reward.score)


_current: ContextVar[RequestScope | None] = ContextVar("laserve_request", default=None)


@contextmanager
def request_scope(bound: Deployment, active: Callable[[], Deployment]) -> Iterator[RequestScope]:
    """A new request, which is over at the end of this block."""
    scope = RequestScope(bound, active)
    with bound.requests.one_more():
        token = _current.set(scope)
        try:
            yield scope
        finally:
            _current.reset(token)
            scope.end()


def current_scope() -> RequestScope | None:
    """The request in work; None outside of any."""
    return _current.get()


def bound_scope() -> RequestScope:
    """The same in a route that generates: each POST has one (`api.middleware.binding`)."""
    scope = _current.get()
    assert scope is not None, "a route that generates runs behind BindingMiddleware"
    return scope
