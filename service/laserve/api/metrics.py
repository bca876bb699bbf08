"""Prometheus metrics of scoring and selection, beside vLLM's on its /metrics.

vLLM's /metrics shows the default registry, or, with several API server processes, the sum over
the files that their default registries write: a metric registered there is shown either way.
"""

from functools import cache
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from laserve.core.types import Method, SelfReward
from laserve.selection.outcome import SelectionOutcome

SCORE_BUCKETS = (-2, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2)
"""Finest around the training targets 0 (wrong) and 1 (correct), and with a bound at the default
threshold 0.5."""


SAMPLE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)


class ScoreMetrics:
    """Counts each completion that was to be scored."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._collectors = _collectors(registry)

    def observe(self, reward: SelfReward, overhead_tokens: int) -> None:
        """Count one generation. `overhead_tokens`: what the engine computed for its score beyond
        the tokens that plain vLLM would have."""
        method = _label(reward.method)
        self._collectors.generations.labels(status=reward.status.value, method=method).inc()
        self._collectors.overhead_tokens.labels(method=method).inc(overhead_tokens)
        if reward.score is not None:
            self._collectors.scores.observe(reward.score)


class SelectionMetrics:
    """Counts each selection."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._collectors = _selection_collectors(registry)

    def observe(self, outcome: SelectionOutcome) -> None:
        """Count one selection."""
        self._collectors.selections.labels(
            method=outcome.method.value,
            stop_cause=outcome.stop_cause.value,
            result=_result(outcome),
        ).inc()
        self._collectors.samples.observe(outcome.samples_used)


class _Collectors(NamedTuple):
    scores: Histogram
    generations: Counter
    overhead_tokens: Counter


class _SelectionCollectors(NamedTuple):
    selections: Counter
    samples: Histogram


@cache  # a registry takes each name once
def _collectors(registry: CollectorRegistry) -> _Collectors:
    return _Collectors(
        scores=Histogram(
            "laserve_self_reward_score",
            "Self-reward score of what was scored, generated here or given.",
            buckets=SCORE_BUCKETS,
            registry=registry,
        ),
        generations=Counter(
            "laserve_generations_total",
            "Completions that were to be scored, generated here or given, by status and by how the "
            "score was read.",
            ("status", "method"),
            registry=registry,
        ),
        overhead_tokens=Counter(
            "laserve_overhead_tokens_total",
            "Tokens that the engine computed for scores alone.",
            ("method",),
            registry=registry,
        ),
    )


@cache
def _selection_collectors(registry: CollectorRegistry) -> _SelectionCollectors:
    return _SelectionCollectors(
        selections=Counter(
            "laserve_selections_total",
            "Selections among samples, by method, by why no more samples were drawn, and by "
            "result: selected, no_answer, abstained, escalated, or unscored, chosen by majority "
            "as no vote had a score.",
            ("method", "stop_cause", "result"),
            registry=registry,
        ),
        samples=Histogram(
            "laserve_selection_samples",
            "Samples started for each selection.",
            buckets=SAMPLE_BUCKETS,
            registry=registry,
        ),
    )


def _result(outcome: SelectionOutcome) -> str:
    if outcome.upstream is not None and outcome.upstream.status == "answered":
        return "escalated"
    if outcome.answer is None:
        return "no_answer"
    if outcome.abstained:
        return "abstained"
    return "selected" if outcome.applied_method == outcome.method else "unscored"


def _label(method: Method | None) -> str:
    return "none" if method is None else method.value
