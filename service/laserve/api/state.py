"""What LaServe keeps on vLLM's `app.state`, under the name `laserve`."""

from dataclasses import dataclass

from laserve.api.selection_metrics import SelectionMetrics
from laserve.api.upstream import Upstream
from laserve.hot_load.checkpoints import Checkpoints
from laserve.selecting.plan import Planner


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
    checkpoints: Checkpoints | None = None
    """What changes the checkpoint; None where the server was started with one for good."""
