"""Prometheus metrics of drift, read whenever the metrics are asked for."""

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from laserve.api.metrics.labels import LABELS
from laserve.api.metrics.served import labels_of_deployment
from laserve.serving.switch import Switch


class DriftMetrics(Collector):
    """Shows the drift of what is active; nothing where the checkpoint has no reference scores."""

    def __init__(
        self, switch: Switch, model_name: str, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._switch = switch
        self._model_name = model_name
        registry.register(self)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The one gauge."""
        ratio = GaugeMetricFamily(
            "laserve_score_drift_ratio",
            "Evidence that the scores are not those of the checkpoint's evaluation, of what raises "
            "an alarm, both as logarithms: 1 and above is drift.",
            labels=LABELS,
        )
        active = self._switch.active
        if active.drift is not None:
            of = labels_of_deployment(self._model_name, active)
            ratio.add_metric(list(of.values()), active.drift.ratio)
        yield ratio
