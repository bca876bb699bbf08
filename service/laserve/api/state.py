"""What LaServe keeps on vLLM's `app.state`, under the name `laserve`."""

from collections.abc import Callable
from dataclasses import dataclass

from laserve.api.metrics.selection import SelectionMetrics
from laserve.api.upstream import Upstream
from laserve.hot_load.checkpoints import Checkpoints
from laserve.selecting.plan import Planner
from laserve.serving.deployment import Deployment


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """What the server offers to selections."""

    planner: Planner
    upstream: Upstream | None
    """Where abstained requests go (`--upstream-url`); None: nowhere."""
    metrics: SelectionMetrics


@dataclass(frozen=True, slots=True)
class LaServeState:
    """Set by the endpoint plugin's `init_state`; read by the routes, once per request."""

    selection: SelectionSettings
    active: Callable[[], Deployment]
    """Tells the checkpoint that answers the next request."""
    checkpoints: Checkpoints | None = None
    """What changes the checkpoint; None where the server was started with one for good."""
