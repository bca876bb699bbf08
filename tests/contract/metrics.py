"""All metrics of a server, each observed once."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from laserve.api.metrics.checkpoints import CheckpointMetrics
from laserve.api.metrics.drift import DriftMetrics
from laserve.api.metrics.readiness import ReadinessMetrics
from laserve.api.metrics.scoring import ScoreMetrics
from laserve.api.metrics.selection import SelectionMetrics
from laserve.core.drift import ScoreDrift
from laserve.core.types import Method
from laserve.hot_load.jobs import Job, State, Strategy
from laserve.selection.options import SelectionMethod
from laserve.selection.outcome import Decision, SelectionOutcome, StopCause, Unvoted
from laserve.serving.switch import Switch
from tests.unit.serving.fake_deployment import deployment_of
from tests.unit.serving.fake_serving import PARAMETERS

OUTCOME = SelectionOutcome(
    method=SelectionMethod.MAJORITY,
    applied_method=SelectionMethod.MAJORITY,
    answer="a",
    confidence=None,
    score=None,
    abstained=False,
    decision=Decision.ANSWERED,
    selected_index=0,
    votes=[],
    samples_used=1,
    unvoted=Unvoted(truncated=0, no_answer=0, cancelled=0),
    unscored={},
    completion_tokens=10,
    stop_cause=StopCause.UNASSAILABLE,
    equality_timeouts=0,
)


def observed() -> CollectorRegistry:
    """As `laserve.app` makes them."""
    registry = CollectorRegistry()
    deployment = deployment_of(PARAMETERS.checkpoint)
    deployment.drift = ScoreDrift([0.0, 1.0])
    switch = Switch(deployment)
    DriftMetrics(switch, "tiny", registry)
    reward = PARAMETERS.reward(-5.0, Method.IN_FLIGHT)
    ScoreMetrics("tiny", registry).observe(reward.model_copy(update={"confidence": 0.5}), 2)
    SelectionMetrics("tiny", registry).observe(OUTCOME, 8, PARAMETERS)
    ReadinessMetrics(switch, "tiny", registry).restarted("active")
    loads = CheckpointMetrics(switch, "tiny", registry)
    job = Job(
        id="load-1",
        path="/checkpoints/a",
        strategy=Strategy.AUTO,
        origin="request",
        created_at=datetime.now(UTC),
    )
    job.enter(State.REJECTED)
    loads.entered(job)
    loads.left(job, State.QUEUED, 0.1)
    return registry
