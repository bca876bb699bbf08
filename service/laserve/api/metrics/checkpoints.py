"""Prometheus metrics and log lines of checkpoints: which is active, loads, requests in flight."""

import json
import logging
from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from laserve.api.metrics.labels import LABELS, VersionLabels
from laserve.api.metrics.served import labels_of_deployment
from laserve.hot_load.jobs import Job, State
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch

logger = logging.getLogger(__name__)

SECONDS_BUCKETS = (0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800)


class CheckpointMetrics:
    """Implements `laserve.hot_load.jobs.LoadObserver`."""

    def __init__(
        self, switch: Switch, model_name: str, registry: CollectorRegistry = REGISTRY
    ) -> None:
        registry.register(_Served(switch, model_name))
        self._loads = Counter(
            "laserve_checkpoint_loads_total",
            "Loads of checkpoints that have ended, by outcome: active, rejected.",
            (*LABELS, "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "laserve_checkpoint_phase_seconds",
            "Duration of the phases of loads: queued, verifying, loading, proving.",
            (*LABELS, "phase"),
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._labels = VersionLabels(model_name, (self._loads, self._seconds))

    def entered(self, job: Job) -> None:
        """Log the new state, and count where it is the last."""
        facts = job.model_dump(mode="json", exclude_none=True, exclude={"seconds", "created_at"})
        logger.info("checkpoint load: %s", json.dumps(facts, ensure_ascii=False))
        if job.has_ended:
            of = self._labels.of(job.checkpoint, job.version)
            self._loads.labels(**of, outcome=job.state.value).inc()

    def left(self, job: Job, state: State, seconds: float) -> None:
        """Take down how long a phase took."""
        of = self._labels.of(job.checkpoint, job.version)
        self._seconds.labels(**of, phase=state.value).observe(seconds)


class _Served(Collector):
    """Reads the switch whenever the metrics are asked for."""

    def __init__(self, switch: Switch, model_name: str) -> None:
        self._switch = switch
        self._model_name = model_name

    def collect(self) -> Iterable[GaugeMetricFamily]:
        labels = (*LABELS, "weights")
        info = GaugeMetricFamily(
            "laserve_active_checkpoint_info", "1 for the checkpoint that is active.", labels=labels
        )
        active = self._switch.active
        info.add_metric(self._of(active), 1)
        yield info
        in_flight = GaugeMetricFamily(
            "laserve_checkpoint_requests_in_flight",
            "HTTP requests that are bound to a checkpoint, the active one or one that drains.",
            labels=labels,
        )
        for deployment in self._switch.served:
            in_flight.add_metric(self._of(deployment), deployment.requests.value)
        yield in_flight

    def _of(self, deployment: Deployment) -> list[str]:
        labels = labels_of_deployment(self._model_name, deployment)
        return [*labels.values(), deployment.parameters.weights or ""]
