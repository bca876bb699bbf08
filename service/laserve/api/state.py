"""What LaServe keeps on vLLM's `app.state`, under the name `laserve`."""

from dataclasses import dataclass

from laserve.core.score import ScoreParameters


@dataclass(frozen=True, slots=True)
class LaServeState:
    """Set by the endpoint plugin's `init_state`; read by the routes, once per request."""

    parameters: ScoreParameters
    """The scoring parameters of the checkpoint that is being served."""
