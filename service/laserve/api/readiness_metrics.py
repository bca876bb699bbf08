"""Prometheus metrics of the server's being ready, and of engines that died."""

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from laserve.serving.readiness import Readiness, Reason


class ReadinessMetrics:
    """Shows a `Readiness`, and counts restarts."""

    def __init__(self, readiness: Readiness, registry: CollectorRegistry = REGISTRY) -> None:
        registry.register(_Reasons(readiness))
        self._restarts = Counter(
            "laserve_engine_restarts_total",
            "Starts of an engine in the place of one that died, by outcome: active, rejected.",
            ("outcome",),
            registry=registry,
        )

    def restarted(self, outcome: str) -> None:
        """Count one."""
        self._restarts.labels(outcome=outcome).inc()


class _Reasons(Collector):
    """Reads the readiness whenever the metrics are asked for."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterable[GaugeMetricFamily]:
        unready = GaugeMetricFamily(
            "laserve_unready",
            "1 for each reason that the server is not ready for: stopping, restarting, hung.",
            labels=("reason",),
        )
        for reason in Reason:
            unready.add_metric([reason.value], float(reason in self._readiness.reasons))
        yield unready
