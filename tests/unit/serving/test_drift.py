"""Which score of a request counts, and for which checkpoint."""

import logging
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from laserve.core.drift import MIN_REFERENCE, ScoreDrift
from laserve.core.manifest import read_manifest
from laserve.scoring.rewards import Rewards
from laserve.serving.deployment import Deployment
from laserve.serving.scope import RequestScope, request_scope
from tests.e2e.conftest import DEMO
from tests.unit.selection.samples import reward, sample
from tests.unit.serving.fake_deployment import deployment_of


class Recorder(ScoreDrift):
    """Keeps what it sees."""

    def __init__(self) -> None:
        super().__init__([0.0] * MIN_REFERENCE, random=Random(0))
        self.seen: list[float] = []

    def observe(self, score: float) -> bool:
        self.seen.append(score)
        return super().observe(score)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def deployment(recorder: Recorder) -> Deployment:
    made = deployment_of("watched")
    made.drift = recorder
    return made


def rewarded(deployment: Deployment, *scores: float | None) -> Rewards:
    """The choices end in the reverse order."""
    rewards = Rewards()
    for choice in reversed(range(len(scores))):
        found = reward(scores[choice])
        rewards.record(choice, found.model_copy(update={"checkpoint_version": deployment.version}))
    return rewards


def scope_of(deployment: Deployment) -> Any:
    return request_scope(deployment, lambda: deployment)


def test_of_several_choices_the_first_counts_whichever_ends_first(
    deployment: Deployment, recorder: Recorder
) -> None:
    with scope_of(deployment) as scope:
        scope.rewards = rewarded(deployment, 0.1, 0.9, 0.8)
        assert recorder.seen == []
    assert recorder.seen == [0.1]


def test_of_a_selection_the_first_sample_counts_whichever_wins(
    deployment: Deployment, recorder: Recorder
) -> None:
    rewards = rewarded(deployment, 0.2, 0.9).by_choice
    drawn = [replace(sample(index, "a"), reward=rewards[index]) for index in range(2)]
    with scope_of(deployment) as scope:
        scope.rewards = rewarded(deployment, 0.9)
        scope.selection = cast("Any", SimpleNamespace(samples=drawn, winner=drawn[1]))
    assert recorder.seen == [0.2]


@pytest.mark.parametrize("kind", ["nothing asked for", "no answer", "no score", "another version"])
def test_what_has_no_score_of_this_checkpoint_is_not_counted(
    deployment: Deployment, recorder: Recorder, kind: str
) -> None:
    with scope_of(deployment) as scope:
        leave(scope, deployment, kind)
    assert recorder.seen == []


def leave(scope: RequestScope, deployment: Deployment, kind: str) -> None:
    if kind == "no answer":
        scope.rewards = Rewards()
    elif kind == "no score":
        scope.rewards = rewarded(deployment, None)
    elif kind == "another version":
        scope.rewards = rewarded(deployment_of("next", version=2), 0.5)


def test_drift_is_logged_once_and_names_the_checkpoint(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "laserve.serving.deployment"):
        for _ in range(200):
            deployment.answered(1.0)
    (line,) = caplog.messages
    assert line.startswith(f"the scores of {deployment} have drifted")


def test_a_checkpoint_with_the_scores_of_its_evaluation_is_watched_and_another_one_is_not() -> None:
    manifest = read_manifest(DEMO)
    assert manifest is not None
    bare = deployment_of("bare")
    assert bare.drift is None
    described = Deployment(1, bare.client, bare.parameters, bare.observer, manifest=manifest)
    assert described.drift is not None
    few = manifest.model_copy(update={"reference_scores": manifest.reference_scores[:199]})
    assert Deployment(1, bare.client, bare.parameters, bare.observer, manifest=few).drift is None
