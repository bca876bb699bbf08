"""Prometheus metrics of the server's being ready, and of engines that died."""

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from laserve.api.metrics.labels import LABELS
from laserve.api.metrics.served import labels_of_deployment
from laserve.serving.readiness import Reason
from laserve.serving.switch import Switch


class ReadinessMetrics:
    """Shows a switch's readiness, and counts restarts; by the checkpoint that is active."""

    def __init__(
        self, switch: Switch, model_name: str, registry: CollectorRegistry = REGISTRY
    ) -> None:
        registry.register(_Reasons(switch, model_name))
        self._switch = switch
        self._model_name = model_name
        self._restarts = Counter(
            "laserve_engine_restarts_total",
            "Starts of an engine in the place of one that died, by outcome: active, rejected.",
            (*LABELS, "outcome"),
            registry=registry,
        )

    def restarted(self, outcome: str) -> None:
        """Count one."""
        self._restarts.labels(
            **labels_of_deployment(self._model_name, self._switch.active), outcome=outcome
        ).inc()


class _Reasons(Collector):
    """Reads the readiness whenever the metrics are asked for."""

    def __init__(self, switch: Switch, model_name: str) -> None:
        self._switch = switch
        self._model_name = model_name

    def collect(self) -> Iterable[GaugeMetricFamily]:
        unready = GaugeMetricFamily(
            "laserve_unready",
            "1 for each reason that the server is not ready for: stopping, restarting, hung.",
            labels=(*LABELS, "reason"),
        )
        active = labels_of_deployment(self._model_name, self._switch.active).values()
        for reason in Reason:
            is_one = reason in self._switch.readiness.reasons
            unready.add_metric([*active, reason.value], float(is_one))
        yield unready
