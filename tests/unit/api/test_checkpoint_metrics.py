"""Prometheus metrics and log lines of checkpoints."""

import json
import logging
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from laserve.api.metrics.checkpoints import SECONDS_BUCKETS, CheckpointMetrics
from laserve.hot_load.jobs import Job, State, Strategy
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch
from tests.unit.serving.fake_deployment import deployment_of
from tests.unit.serving.fake_serving import PARAMETERS

WEIGHTS = PARAMETERS.weights or ""


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def first() -> Deployment:
    return deployment_of("org/first")


@pytest.fixture
def switch(first: Deployment) -> Switch:
    return Switch(first)


@pytest.fixture
def metrics(switch: Switch, registry: CollectorRegistry) -> CheckpointMetrics:
    return CheckpointMetrics(switch, "tiny", registry)


def job_of(number: int, *states: State) -> Job:
    job = Job(
        id=f"load-{number}",
        path="/checkpoints/größer",
        strategy=Strategy.AUTO,
        origin="request",
        created_at=datetime.now(UTC),
    )
    for state in states:
        job.enter(state)
    return job


def of(name: str, registry: CollectorRegistry, **labels: str) -> float | None:
    found = {"model_name": "tiny", "checkpoint": "", "version": "", **labels}
    return registry.get_sample_value(f"laserve_{name}", found)


def test_the_active_checkpoint_is_the_only_one_in_the_info(
    metrics: CheckpointMetrics, switch: Switch, registry: CollectorRegistry
) -> None:
    name = "active_checkpoint_info"
    assert of(name, registry, checkpoint="org/first", version="1", weights=WEIGHTS) == 1
    switch.activate(deployment_of("org/second", 2))
    assert of(name, registry, checkpoint="org/first", version="1", weights=WEIGHTS) is None
    assert of(name, registry, checkpoint="org/second", version="2", weights=WEIGHTS) == 1


def test_requests_in_flight_are_shown_by_checkpoint_until_it_has_drained(
    metrics: CheckpointMetrics, switch: Switch, registry: CollectorRegistry, first: Deployment
) -> None:
    def in_flight(checkpoint: str, version: int) -> float | None:
        labels = {"checkpoint": checkpoint, "version": str(version), "weights": WEIGHTS}
        return of("checkpoint_requests_in_flight", registry, **labels)

    assert in_flight("org/first", 1) == 0
    with first.requests.one_more(), first.requests.one_more():
        # A version of the same name is another one.
        switch.activate(deployment_of("org/first", 2))
        assert (in_flight("org/first", 1), in_flight("org/first", 2)) == (2, 0)
    assert in_flight("org/first", 1) == 0
    switch.retire(first)
    assert (in_flight("org/first", 1), in_flight("org/first", 2)) == (None, 0)


def test_loads_are_counted_by_outcome_when_they_end(
    metrics: CheckpointMetrics, registry: CollectorRegistry
) -> None:
    for number, end in enumerate([State.ACTIVE, State.REJECTED, State.REJECTED]):
        job = job_of(number)
        metrics.entered(job)
        for state in (State.VERIFYING, State.LOADING, end):
            job.enter(state)
            metrics.entered(job)
    assert of("checkpoint_loads_total", registry, outcome="active") == 1
    assert of("checkpoint_loads_total", registry, outcome="rejected") == 2


def test_the_time_of_each_phase_is_in_a_histogram(
    metrics: CheckpointMetrics, registry: CollectorRegistry
) -> None:
    metrics.left(job_of(1), State.LOADING, 12.0)
    metrics.left(job_of(2), State.LOADING, 45.0)
    metrics.left(job_of(2), State.PROVING, 0.2)
    name = "checkpoint_phase_seconds"
    assert of(f"{name}_sum", registry, phase="loading") == 57
    assert of(f"{name}_count", registry, phase="proving") == 1
    assert of(f"{name}_bucket", registry, phase="loading", le="30.0") == 1
    assert of(f"{name}_bucket", registry, phase="loading", le="60.0") == 2
    assert of(f"{name}_count", registry, phase="verifying") is None


def test_buckets_rise() -> None:
    assert list(SECONDS_BUCKETS) == sorted(set(SECONDS_BUCKETS))


def test_every_transition_is_a_log_line_of_json(
    metrics: CheckpointMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "laserve.api.metrics.checkpoints")
    job = job_of(7)
    metrics.entered(job)
    job.enter(State.VERIFYING)
    metrics.entered(job)
    job.reason = "a shard\nis missing"
    job.enter(State.REJECTED)
    metrics.entered(job)
    lines = [record.getMessage() for record in caplog.records]
    assert all(line.startswith("checkpoint load: ") and "\n" not in line for line in lines)
    facts = [json.loads(line.partition(": ")[2]) for line in lines]
    assert [fact["state"] for fact in facts] == ["queued", "verifying", "rejected"]
    assert {fact["id"] for fact in facts} == {"load-7"}
    assert {fact["path"] for fact in facts} == {"/checkpoints/größer"}
    assert [fact.get("reason") for fact in facts] == [None, None, "a shard\nis missing"]
    assert "ended_at" in facts[2]
