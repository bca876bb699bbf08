"""Prometheus metrics of scoring, and their place on vLLM's /metrics."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from laserve.api.metrics.labels import KEPT_VERSIONS
from laserve.api.metrics.scoring import CONFIDENCE_BUCKETS, SCORE_BUCKETS, ScoreMetrics
from laserve.api.metrics.selection import SelectionMetrics
from laserve.core.types import Method, Status
from laserve.selection.sample import Sample
from tests.unit.api.serving import Server, build_app
from tests.unit.selection.samples import PlayedBack, run, sample, select
from tests.unit.serving.fake_serving import PARAMETERS

SCORED = PARAMETERS.reward(-4.0, Method.IN_FLIGHT)  # score 0.6
POST_HOC = PARAMETERS.reward(-4.0, Method.POST_HOC)
TRUNCATED = PARAMETERS.unscored(Status.TRUNCATED, Method.IN_FLIGHT)
UNSUPPORTED = PARAMETERS.unscored(Status.UNSUPPORTED)
LABELS = {"model_name": "tiny", "checkpoint": "org/tiny", "version": "1"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_generations_are_counted_by_status_and_method(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics("tiny", registry)
    for reward in (SCORED, SCORED, POST_HOC, TRUNCATED, UNSUPPORTED):
        metrics.observe(reward, overhead_tokens=0)

    def count(status: str, method: str) -> float | None:
        labels = {**LABELS, "status": status, "method": method}
        return registry.get_sample_value("laserve_generations_total", labels)

    assert count("scored", "in_flight") == 2
    assert count("scored", "post_hoc") == 1
    assert count("truncated", "in_flight") == 1
    assert count("unsupported", "none") == 1
    assert count("aborted", "in_flight") is None


def test_only_scores_enter_the_histogram(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics("tiny", registry)
    for reward in (SCORED, TRUNCATED, UNSUPPORTED):
        metrics.observe(reward, overhead_tokens=0)

    def bucket(le: float) -> float | None:
        labels = {**LABELS, "le": str(float(le))}
        return registry.get_sample_value("laserve_self_reward_score_bucket", labels)

    assert bucket(0.5) == 0  # the default threshold is a bound
    assert bucket(0.75) == 1
    assert registry.get_sample_value("laserve_self_reward_score_count", LABELS) == 1
    assert registry.get_sample_value("laserve_self_reward_score_sum", LABELS) is None


def test_the_mean_score_is_the_difference_of_the_sizes_over_the_count(
    registry: CollectorRegistry,
) -> None:
    metrics = ScoreMetrics("tiny", registry)
    for score in (0.5, 1.25, -2.5, 0.25):
        metrics.observe(SCORED.model_copy(update={"score": score}), overhead_tokens=0)

    def value(name: str, **labels: str) -> float:
        found = registry.get_sample_value(f"laserve_self_reward_score_{name}", LABELS | labels)
        assert found is not None
        return found

    sizes = [value("size_total", sign=sign) for sign in ("positive", "negative")]
    assert sizes == [2.0, 2.5]  # both only grow
    assert (sizes[0] - sizes[1]) / value("count") == -0.125


def test_confidences_are_in_a_histogram_with_a_mean(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics("tiny", registry)
    for confidence in (0.125, 0.625, None):
        metrics.observe(SCORED.model_copy(update={"confidence": confidence}), overhead_tokens=0)
    assert registry.get_sample_value("laserve_confidence_ratio_count", LABELS) == 2
    assert registry.get_sample_value("laserve_confidence_ratio_sum", LABELS) == 0.75


def test_the_series_of_the_last_versions_are_kept(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics("tiny", registry)
    for version in range(KEPT_VERSIONS + 5):
        metrics.observe(SCORED.model_copy(update={"checkpoint_version": version}), 0)
    shown = {sample.labels["version"] for family in registry.collect() for sample in family.samples}
    assert shown == {str(version) for version in range(5, KEPT_VERSIONS + 5)}


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
    SelectionMetrics("tiny", registry).observe(outcome, 1, PARAMETERS)
    labels = {
        **LABELS,
        "method": outcome.method.value,
        "stop_cause": "n_max",
        "result": result,
    }
    assert registry.get_sample_value("laserve_selections_total", labels) == 1


async def test_what_a_selection_did_not_draw_is_counted(registry: CollectorRegistry) -> None:
    metrics = SelectionMetrics("tiny", registry)
    given = [sample(index, "a", 1.0, tokens=10) for index in range(8)]
    early = await run(PlayedBack(given, held=frozenset({5})), n_max=8, n_parallel=3)
    used, cancelled = early.outcome.samples_used, early.outcome.unvoted.cancelled
    assert used < 8
    assert cancelled > 0
    same = await run(PlayedBack(given), n_max=8, identical=True)
    for selection in (early, same):
        metrics.observe(selection.outcome, 8, PARAMETERS)

    def value(name: str) -> float | None:
        return registry.get_sample_value(f"laserve_selection_{name}", LABELS)

    assert value("pruned_samples_total") == cancelled
    length = early.outcome.completion_tokens / used
    assert value("saved_tokens_total") == pytest.approx((8 - used) * length)
    assert value("samples_count") == 2


def test_buckets_rise_over_the_scores_range() -> None:
    assert list(CONFIDENCE_BUCKETS) == sorted(set(CONFIDENCE_BUCKETS))
    assert list(SCORE_BUCKETS) == sorted(set(SCORE_BUCKETS))
    assert (SCORE_BUCKETS[0], SCORE_BUCKETS[-1]) == (-2, 2)


def test_overhead_tokens_are_summed_by_method(registry: CollectorRegistry) -> None:
    metrics = ScoreMetrics("tiny", registry)
    metrics.observe(SCORED, overhead_tokens=2)
    metrics.observe(TRUNCATED, overhead_tokens=1)
    metrics.observe(POST_HOC, overhead_tokens=40)

    def tokens(method: str) -> float | None:
        labels = {**LABELS, "method": method}
        return registry.get_sample_value("laserve_overhead_tokens_total", labels)

    assert tokens("in_flight") == 3
    assert tokens("post_hoc") == 40


def test_two_of_them_share_the_collectors_of_a_registry(registry: CollectorRegistry) -> None:
    for metrics in (ScoreMetrics("tiny", registry), ScoreMetrics("tiny", registry)):
        metrics.observe(SCORED, overhead_tokens=2)
    labels = {**LABELS, "status": "scored", "method": "in_flight"}
    assert registry.get_sample_value("laserve_generations_total", labels) == 2


@pytest.mark.asyncio
async def test_vllms_metrics_show_them() -> None:
    ScoreMetrics("tiny").observe(SCORED, overhead_tokens=2)
    server = Server(build_app())
    before = await shown(server)
    ScoreMetrics("tiny").observe(SCORED, overhead_tokens=2)
    after = await shown(server)
    assert {name: after[name] - before[name] for name in after} == {
        ("laserve_generations_total", "in_flight"): 1,
        ("laserve_overhead_tokens_total", "in_flight"): 2,
        ("laserve_self_reward_score_count", None): 1,
        ("laserve_self_reward_score_size_total", None): pytest.approx(0.6),
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
from pytest import approx
from tests.unit.api.test_metrics import SCORED, ScoreMetrics, Server, build_app, shown

ScoreMetrics("tiny").observe(SCORED, overhead_tokens=2)
assert asyncio.run(shown(Server(build_app()))) == {
    ("laserve_generations_total", "in_flight"): 1,
    ("laserve_overhead_tokens_total", "in_flight"): 2,
    ("laserve_self_reward_score_count", None): 1,
    ("laserve_self_reward_score_size_total", None): approx(0.6),
}
"""
    environment = {
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), *sys.path]),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),  # as vLLM sets it for --api-server-count > 1
    }
    subprocess.run([sys.executable, "-c", program], env=os.environ | environment, check=True)
