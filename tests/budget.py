"""How many processes of each costly kind a whole run of the suite may start.

The suite has ten minutes on two cores. A new test uses what is there: the servers of
`tests/e2e/conftest.py`, the engines of `tests/integration/conftest.py`, the run of
`tests/integration/training/conftest.py`.
"""

from collections import Counter
from enum import Enum

import pytest


class Kind(Enum):
    """What is started, and how many there may be."""

    FORKED_COMMAND = 21
    """`laserve serve`, `laserve-train ...`: 2 to 15 CPU-seconds each."""
    CONSOLE_SCRIPT = 2
    """`laserve serve` as it is installed: 40 CPU-seconds each, with three imports of vLLM."""
    ENGINE = 9
    """In a test's own process: 4 CPU-seconds each."""


_started: Counter[Kind] = Counter()


def spend(kind: Kind) -> None:
    """Count one more; fails the test where that is too many."""
    _started[kind] += 1
    if _started[kind] > kind.value:
        pytest.fail(
            f"this is number {_started[kind]} of {kind.name}, of which the suite's time allows "
            f"{kind.value}: share one that is there, see {__name__.replace('.', '/')}.py"
        )
