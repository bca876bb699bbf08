"""Prometheus metrics of scoring, and their place on vLLM's /metrics."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from laserve.api.metrics import SCORE_BUCKETS, ScoreMetrics, SelectionMetrics
from laserve.core.types import Method, Status
from laserve.selection.sample import Sample
from tests.unit.api.serving import Server, build_app
from tests.unit.fake_serving import PARAMETERS
from tests.unit.selection.samples import sample, select

SCORED = PARAMETERS.reward(-4.0, Method.IN_FLIGHT)  # score 0.6
POST_HOC = PARAMETERS.reward(-4.0, Method.POST_HOC)
TRUNCATED = PARAMETERS.unscored(Status.TRUNCATED, Method.IN_FLIGHT)
UNSUPPORTED = PARAMETERS.unscored(Status.UNSUPPORTED)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_generations_are_counted_by_status_and_method(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics(registry)
    for reward in (SCORED, SCORED, POST_HOC, TRUNCATED, UNSUPPORTED):
        metrics.observe(reward, overhead_tokens=0)

    def count(status: str, method: str) -> float | None:
        labels = {"status": status, "method": method}
        return registry.get_sample_value("laserve_generations_total", labels)

    assert count("scored", "in_flight") == 2
    assert count("scored", "post_hoc") == 1
    assert count("truncated", "in_flight") == 1
    assert count("unsupported", "none") == 1
    assert count("aborted", "in_flight") is None


def test_only_scores_enter_the_histogram(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics(registry)
    for reward in (SCORED, TRUNCATED, UNSUPPORTED):
        metrics.observe(reward, overhead_tokens=0)

    def bucket(le: float) -> float | None:
        labels = {"le": str(float(le))}
        return registry.get_sample_value("laserve_self_reward_score_bucket", labels)

    assert bucket(0.5) == 0  # the default threshold is a bound
    assert bucket(0.75) == 1
    assert registry.get_sample_value("laserve_self_reward_score_count") == 1


@pytest.mark.parametrize(
    ("given", "asked", "result"),
    [
        ([sample(0, r"\boxed{5}", 0.5, 0.5)], {}, "selected"),
        ([sample(0, r"\boxed{5}", 0.5, 0.5)], {"min_confidence": 0.9}, "abstained"),
        ([sample(0, "no box", 0.5, 0.9)], {"min_confidence": 0.5}, "no_answer"),
        ([sample(0, "no box", 0.5, 0.9)], {}, "no_answer"),
        ([sample(0, r"\boxed{5}", None)], {}, "unscored"),
        ([sample(0, r"\boxed{5}", None)], {"method": "majority"}, "selected"),
        ([sample(0, r"\boxed{5}", None)], {"min_confidence": 0.5}, "abstained"),
    ],
)
async def test_selections_are_counted_by_what_came_of_them(
    registry: CollectorRegistry, given: list[Sample[None]], asked: dict[str, Any], result: str
) -> None:
    outcome = (await select(given, answer="boxed", **asked)).outcome
    SelectionMetrics(registry).observe(outcome)
    labels = {"method": outcome.method.value, "stop_cause": "n_max", "result": result}
    assert registry.get_sample_value("laserve_selections_total", labels) == 1


def test_buckets_rise_over_the_scores_range() -> None:
    assert list(SCORE_BUCKETS) == sorted(set(SCORE_BUCKETS))
    assert (SCORE_BUCKETS[0], SCORE_BUCKETS[-1]) == (-2, 2)


def test_overhead_tokens_are_summed_by_method(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics(registry)
    metrics.observe(SCORED, overhead_tokens=2)
    metrics.observe(TRUNCATED, overhead_tokens=1)
    metrics.observe(POST_HOC, overhead_tokens=40)

    def tokens(method: str) -> float | None:
        return registry.get_sample_value("laserve_overhead_tokens_total", {"method": method})

    assert tokens("in_flight") == 3
    assert tokens("post_hoc") == 40


def test_two_of_them_share_the_collectors_of_a_registry(registry: CollectorRegistry) -> None:
    for metrics in (ScoreMetrics(registry), ScoreMetrics(registry)):
        metrics.observe(SCORED, overhead_tokens=2)
    labels = {"status": "scored", "method": "in_flight"}
    assert registry.get_sample_value("laserve_generations_total", labels) == 2


@pytest.mark.asyncio
async def test_vllms_metrics_show_them() -> None:
    ScoreMetrics().observe(SCORED, overhead_tokens=2)
    server = Server(build_app())
    before = await shown(server)
    ScoreMetrics().observe(SCORED, overhead_tokens=2)
    after = await shown(server)
    assert {name: after[name] - before[name] for name in after} == {
        ("laserve_generations_total", "in_flight"): 1,
        ("laserve_overhead_tokens_total", "in_flight"): 2,
        ("laserve_self_reward_score_count", None): 1,
    }


async def shown(server: Server) -> dict[tuple[str, str | None], float]:
    """The totals on the server's /metrics, by name and method."""
    async with server.client() as client:
        text = (await client.get("/metrics")).text
    return {
        (sample.name, sample.labels.get("method")): sample.value
        for family in text_string_to_metric_families(text)
        if family.name.startswith("laserve") and "selection" not in family.name
        for sample in family.samples
        if sample.name.endswith(("_total", "_count"))
    }


def test_metrics_of_several_server_processes_are_shown_as_one(tmp_path: Path) -> None:
    """In a process of its own: prometheus_client chooses its mode when it is first imported."""
    program = """
import asyncio
from tests.unit.api.test_metrics import SCORED, ScoreMetrics, Server, build_app, shown

ScoreMetrics().observe(SCORED, overhead_tokens=2)
assert asyncio.run(shown(Server(build_app()))) == {
    ("laserve_generations_total", "in_flight"): 1,
    ("laserve_overhead_tokens_total", "in_flight"): 2,
    ("laserve_self_reward_score_count", None): 1,
}
"""
    environment = {
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), *sys.path]),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),  # as vLLM sets it for --api-server-count > 1
    }
    subprocess.run([sys.executable, "-c", program], env=os.environ | environment, check=True)
