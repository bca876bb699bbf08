"""Prometheus metrics of scoring, beside vLLM's on its /metrics.

vLLM's /metrics shows the default registry, or, with several API server processes, the sum over
the files that their default registries write: a metric registered there is shown either way.
"""

from functools import cache
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from laserve.api.metrics.labels import LABELS, VersionLabels
from laserve.core.types import Method, SelfReward

SCORE_BUCKETS = (-2, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2)
"""Finest around the training targets 0 (wrong) and 1 (correct), and with a bound at the default
threshold 0.5."""

CONFIDENCE_BUCKETS = (0.01, 0.05, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.99, 1)
"""Finest at both ends, where a checkpoint that knows puts most of its answers."""


class ScoreMetrics:
    """Counts each completion that was to be scored."""

    def __init__(self, model_name: str, registry: CollectorRegistry = REGISTRY) -> None:
        self._collectors = _collectors(registry)
        self._labels = VersionLabels(model_name, self._collectors)

    def observe(self, reward: SelfReward, overhead_tokens: int) -> None:
        """Count one generation. `overhead_tokens`: what the engine computed for its score beyond
        the tokens that plain vLLM would have."""
        known = self._collectors
        of = self._labels.of(reward.checkpoint, reward.checkpoint_version)
        method = _label(reward.method)
        known.generations.labels(**of, status=reward.status.value, method=method).inc()
        known.overhead_tokens.labels(**of, method=method).inc(overhead_tokens)
        if reward.score is not None:
            known.scores.labels(**of).observe(reward.score)
            sign = "negative" if reward.score < 0 else "positive"
            known.score_sizes.labels(**of, sign=sign).inc(abs(reward.score))
        if reward.confidence is not None:
            known.confidences.labels(**of).observe(reward.confidence)


class _Collectors(NamedTuple):
    scores: Histogram
    score_sizes: Counter
    confidences: Histogram
    generations: Counter
    overhead_tokens: Counter


@cache  # a registry takes each name once
def _collectors(registry: CollectorRegistry) -> _Collectors:
    return _Collectors(
        scores=Histogram(
            "laserve_self_reward_score",
            "Self-reward score of what was scored, generated here or given. Without a sum, which "
            "would fall: laserve_self_reward_score_size_total has it in two parts.",
            LABELS,
            buckets=SCORE_BUCKETS,
            registry=registry,
        ),
        score_sizes=Counter(
            "laserve_self_reward_score_size_total",
            "Sum of the sizes of the scores, of positive and of negative ones: their difference "
            "over the count of scores is the mean.",
            (*LABELS, "sign"),
            registry=registry,
        ),
        confidences=Histogram(
            "laserve_confidence_ratio",
            "Calibrated probability of being correct of what was scored.",
            LABELS,
            buckets=CONFIDENCE_BUCKETS,
            registry=registry,
        ),
        generations=Counter(
            "laserve_generations_total",
            "Completions that were to be scored, generated here or given, by status and by how the "
            "score was read.",
            (*LABELS, "status", "method"),
            registry=registry,
        ),
        overhead_tokens=Counter(
            "laserve_overhead_tokens_total",
            "Tokens that the engine computed for scores alone.",
            (*LABELS, "method"),
            registry=registry,
        ),
    )


def _label(method: Method | None) -> str:
    return "none" if method is None else method.value
