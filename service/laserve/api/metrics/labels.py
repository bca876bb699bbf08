"""The labels that all of LaServe's metrics have."""

from collections.abc import Sequence

from prometheus_client import Counter, Histogram

LABELS = ("model_name", "checkpoint", "version")
"""`model_name` as vLLM's metrics have it; `version` counts what was made active, from 1."""
KEPT_VERSIONS = 32
"""Whose series are kept: a server that is loaded into at every step of a training has thousands."""


class VersionLabels:
    """The labels of checkpoints, of which the last ones keep their series in these collectors."""

    def __init__(self, model_name: str, collectors: Sequence[Counter | Histogram]) -> None:
        self._model_name = model_name
        self._collectors = collectors
        self._kept: dict[tuple[str, str], None] = {}

    def of(self, checkpoint: str | None, version: int | None) -> dict[str, str]:
        """Those of one checkpoint; empty for what is not known of it."""
        key = (checkpoint or "", "" if version is None else str(version))
        if key not in self._kept:
            self._kept[key] = None
            if len(self._kept) > KEPT_VERSIONS:
                self._forget(next(iter(self._kept)))
        return labels_of(self._model_name, *key)

    def _forget(self, key: tuple[str, str]) -> None:
        del self._kept[key]
        for collector in self._collectors:
            collector.remove_by_labels(labels_of(self._model_name, *key))


def labels_of(model_name: str, checkpoint: str, version: str) -> dict[str, str]:
    """By their names."""
    return dict(zip(LABELS, (model_name, checkpoint, version), strict=True))
