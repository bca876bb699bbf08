"""What the active checkpoint says of itself: what its score is made of, and what it is worth."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from laserve.api.middleware.administration import CHECKPOINTS
from laserve.api.state import LaServeState
from laserve.core.calibration import Calibration
from laserve.core.drift import ScoreDrift
from laserve.core.manifest import Manifest
from laserve.core.reliability import ReliabilityBin, reliability
from laserve.core.score_histogram import ScoreHistogram, score_histogram


class Description(BaseModel):
    """Of its manifest, what is null where it has no manifest."""

    base_model: str = Field(description="The reference model that c_ref was measured with.")
    task: str | None = Field(description="The kind of problems that it was trained on.")
    example_prompt: str | None = Field(description="A question of that kind.")
    evaluation: dict[str, float] | None = Field(description="Figures of merit by name.")
    reliability: list[ReliabilityBin] = Field(
        description="Of the samples that its calibration was fitted on; empty without them."
    )
    scores: ScoreHistogram | None = Field(description="Where its answers' scores lie.")


class Drift(BaseModel):
    """Whether its scores are still those of its evaluation, by the first sample of each request."""

    ratio: float = Field(
        description="The evidence of drift, of what raises an alarm, both as logarithms."
    )
    has_drifted: bool = Field(description="Whether that is 1 or more.")
    scores: int = Field(description="How many were seen.")


class ActiveCheckpointResponse(BaseModel):
    """Answer of GET /v1/checkpoints/active."""

    checkpoint: str
    version: int = Field(description="Counts what was made active, from 1.")
    weights: str | None = Field(description="A short hash of its weights.")
    beta_v: float
    c_ref: float = Field(description="Nats.")
    threshold: float = Field(description="A score above it predicts correct.")
    calibration: Calibration | None
    loads: bool = Field(description="Whether this server can load other checkpoints.")
    drift: Drift | None = Field(
        description="Null where its manifest has no 200 scores of an evaluation."
    )
    description: Description | None = Field(
        description="What its manifest has beside that; null where it has none."
    )


router = APIRouter()


@router.get(f"{CHECKPOINTS}/active", response_model=ActiveCheckpointResponse)
async def describe_active(raw_request: Request) -> ActiveCheckpointResponse:
    """The checkpoint that answers the next request, also where no other can be loaded."""
    state: LaServeState = raw_request.app.state.laserve
    active = state.active()
    parameters = active.parameters
    return ActiveCheckpointResponse(
        checkpoint=parameters.checkpoint,
        version=active.version,
        weights=parameters.weights,
        beta_v=parameters.beta_v,
        c_ref=parameters.c_ref,
        threshold=parameters.threshold,
        calibration=parameters.calibration,
        loads=state.checkpoints is not None,
        drift=None if active.drift is None else _drift(active.drift),
        description=None if active.manifest is None else _described(active.manifest),
    )


def _drift(drift: ScoreDrift) -> Drift:
    return Drift(ratio=drift.ratio, has_drifted=drift.has_drifted, scores=drift.scores)


def _described(manifest: Manifest) -> Description:
    calibration = manifest.calibration
    samples = manifest.calibration_samples
    task: Any = (manifest.training or {}).get("task")
    kind = task.get("kind") if isinstance(task, dict) else None
    return Description(
        base_model=manifest.base_model,
        task=kind if isinstance(kind, str) else None,
        example_prompt=manifest.example_prompt,
        evaluation=manifest.evaluation,
        reliability=[] if calibration is None else list(reliability(samples, calibration)),
        scores=score_histogram(manifest),
    )
