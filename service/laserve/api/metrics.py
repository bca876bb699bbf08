"""Prometheus metrics of scoring, beside vLLM's on its /metrics.

vLLM's /metrics shows the default registry, or, with several API server processes, the sum over
the files that their default registries write: a metric registered there is shown either way.
"""

from functools import cache
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from laserve.core.types import Method, SelfReward

SCORE_BUCKETS = (-2, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2)
"""Finest around the training targets 0 (wrong) and 1 (correct), and with a bound at the default
threshold 0.5."""


class ScoreMetrics:
    """Counts each generation that was to be scored."""

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


class _Collectors(NamedTuple):
    scores: Histogram
    generations: Counter
    overhead_tokens: Counter


@cache  # a registry takes each name once
def _collectors(registry: CollectorRegistry) -> _Collectors:
    return _Collectors(
        scores=Histogram(
            "laserve_self_reward_score",
            "Self-reward score of the scored generations.",
            buckets=SCORE_BUCKETS,
            registry=registry,
        ),
        generations=Counter(
            "laserve_generations_total",
            "Generations that were to be scored, by status and by how the score was read.",
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


def _label(method: Method | None) -> str:
    return "none" if method is None else method.value
