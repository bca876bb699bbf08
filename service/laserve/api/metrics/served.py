"""The labels of what is served."""

from laserve.api.metrics.labels import labels_of
from laserve.serving.deployment import Deployment


def labels_of_deployment(model_name: str, deployment: Deployment) -> dict[str, str]:
    """By their names."""
    return labels_of(model_name, deployment.parameters.checkpoint, str(deployment.version))
