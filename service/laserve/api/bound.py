"""The request in work, as the routes find it: each POST has a scope (`middleware.binding`)."""

from fastapi import Request

from laserve.api.state import LaServeState
from laserve.serving.deployment import Deployment
from laserve.serving.scope import RequestScope, current_scope


def bound_scope() -> RequestScope:
    """What belongs to the request."""
    scope = current_scope()
    assert scope is not None, "a route that generates runs behind BindingMiddleware"
    return scope


def bound_deployment(raw_request: Request) -> Deployment:
    """The checkpoint that answers it."""
    state: LaServeState = raw_request.app.state.laserve
    return state.switch.answering(bound_scope())
