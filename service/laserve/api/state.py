"""What LaServe keeps on vLLM's `app.state`, under the name `laserve`."""

from dataclasses import dataclass

from laserve.api.metrics import SelectionMetrics
from laserve.api.upstream import Upstream
from laserve.core.score import ScoreParameters
from laserve.engine.selection_plan import Planner


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

    parameters: ScoreParameters
    """The scoring parameters of the checkpoint that is being served."""
    selection: SelectionSettings
