"""Prometheus metrics of selection."""

from functools import cache
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from laserve.api.metrics.labels import LABELS, VersionLabels
from laserve.core.score import ScoreParameters
from laserve.selection.outcome import Decision, SelectionOutcome, StopCause

SAMPLE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)


class SelectionMetrics:
    """Counts each selection."""

    def __init__(self, model_name: str, registry: CollectorRegistry = REGISTRY) -> None:
        self._collectors = _collectors(registry)
        self._labels = VersionLabels(model_name, self._collectors)

    def observe(self, outcome: SelectionOutcome, n_max: int, parameters: ScoreParameters) -> None:
        """Count one selection, of `n_max` samples at most, by the checkpoint of `parameters`."""
        known = self._collectors
        of = self._labels.of(parameters.checkpoint, parameters.version)
        known.selections.labels(
            **of,
            method=outcome.method.value,
            stop_cause=outcome.stop_cause.value,
            result=_result(outcome),
        ).inc()
        known.samples.labels(**of).observe(outcome.samples_used)
        known.pruned_samples.labels(**of).inc(outcome.unvoted.cancelled)
        known.saved_tokens.labels(**of).inc(_saved_tokens(outcome, n_max))


class _Collectors(NamedTuple):
    selections: Counter
    samples: Histogram
    pruned_samples: Counter
    saved_tokens: Counter


@cache  # a registry takes each name once
def _collectors(registry: CollectorRegistry) -> _Collectors:
    return _Collectors(
        selections=Counter(
            "laserve_selections_total",
            "Selections among samples, by method, by why no more samples were drawn, and by "
            "result: selected, no_answer, abstained, escalated, or unscored, chosen by majority "
            "as no vote had a score.",
            (*LABELS, "method", "stop_cause", "result"),
            registry=registry,
        ),
        samples=Histogram(
            "laserve_selection_samples",
            "Samples started for each selection.",
            LABELS,
            buckets=SAMPLE_BUCKETS,
            registry=registry,
        ),
        pruned_samples=Counter(
            "laserve_selection_pruned_samples_total",
            "Samples that were cancelled while they ran, as the selection was over.",
            LABELS,
            registry=registry,
        ),
        saved_tokens=Counter(
            "laserve_selection_saved_tokens_total",
            "Completion tokens of the samples that n_max allows and that were not started, each as "
            "long as those of its selection were on average.",
            LABELS,
            registry=registry,
        ),
    )


def _result(outcome: SelectionOutcome) -> str:
    if outcome.decision == Decision.ESCALATED:
        return "escalated"
    if outcome.answer is None:
        return "no_answer"
    if outcome.abstained:
        return "abstained"
    return "selected" if outcome.applied_method == outcome.method else "unscored"


def _saved_tokens(outcome: SelectionOutcome, n_max: int) -> float:
    if outcome.stop_cause == StopCause.DETERMINISTIC:
        return 0.0  # nobody would draw what is the same again
    return outcome.completion_tokens * (n_max / outcome.samples_used - 1.0)
