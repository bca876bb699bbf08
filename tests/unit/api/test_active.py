"""GET /v1/checkpoints/active, also of a server that loads no checkpoints."""

from dataclasses import replace

import pytest

from laserve.core.drift import ScoreDrift
from laserve.core.judged import CalibrationSample
from laserve.core.manifest import read_manifest
from tests.e2e.conftest import DEMO
from tests.unit.api.serving import Server, build_app
from tests.unit.serving.fake_deployment import deployment_of

pytestmark = pytest.mark.asyncio

ACTIVE = "/v1/checkpoints/active"


async def test_what_the_manifest_says_is_told() -> None:
    manifest = read_manifest(DEMO)
    assert manifest is not None
    samples = (
        CalibrationSample(problem="a", score=-0.1, answer_group=0, correct=False),
        CalibrationSample(problem="a", score=1.0, answer_group=1, correct=True),
    )
    deployment = deployment_of("demo")
    deployment.manifest = manifest.model_copy(update={"calibration_samples": samples})
    deployment.parameters = replace(manifest.parameters(), version=3, weights="0123456789ab")
    deployment.version = 3
    deployment.drift = ScoreDrift(manifest.reference_scores)
    async with Server(build_app(), deployment=deployment).client() as client:
        told = (await client.get(ACTIVE)).json()
    assert (told["checkpoint"], told["version"]) == ("laserve-countdown", 3)
    assert told["weights"] == "0123456789ab"
    assert told["loads"] is False
    assert told["calibration"]["kind"] == "isotonic"
    described = told["description"]
    assert described["example_prompt"] == manifest.example_prompt
    assert told["drift"] == {"ratio": 0.0, "has_drifted": False, "scores": 0}
    assert described["task"] == "countdown"
    assert [one["count"] for one in described["reliability"]] == [1, 1]
    assert sum(described["scores"]["right"]) == sum(described["scores"]["wrong"]) == 1


async def test_a_checkpoint_without_a_manifest_has_its_constants() -> None:
    deployment = deployment_of("plain")
    async with Server(build_app(), deployment=deployment).client() as client:
        told = (await client.get(ACTIVE)).json()
    assert told["checkpoint"] == "plain"
    assert told["beta_v"] == deployment.parameters.beta_v
    assert told["description"] is None
    assert told["drift"] is None
