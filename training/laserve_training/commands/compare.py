"""`laserve-train compare`: evaluations side by side."""

from collections.abc import Sequence
from pathlib import Path

from laserve.errors import ConfigurationError
from laserve_training.evaluation.comparison import compare


def run_compare(reports: Sequence[str]) -> None:
    """Print the table of `reports`, each LABEL=FILE. Raises ConfigurationError."""
    pairs = []
    for report in reports:
        label, equals, path = report.partition("=")
        if not (label and equals and path):
            raise ConfigurationError(
                f"{report!r}: write LABEL=FILE, as seed-0=runs/countdown/evaluation/report.json"
            )
        pairs.append((label, Path(path)))
    print(compare(pairs), end="")
