"""How many processes of each costly kind a whole run of the suite may start.

The suite is to take ten minutes on two cores. A new test uses what is there: the servers of
`tests/e2e/conftest.py`, the engines of `tests/integration/conftest.py`, the run of
`tests/integration/training/conftest.py`.
"""

from collections import Counter
from enum import Enum

import pytest


class Kind(Enum):
    """What is started."""

    SERVER = "`laserve serve`, forked: 7 CPU-seconds"
    INSTALLED_SERVER = "`laserve serve` by its console script, with its imports: 40 CPU-seconds"
    ENGINE = "an engine of a test's own process: 4 CPU-seconds"
    TRAINING = "`laserve-train`: 2 to 15 CPU-seconds"


BUDGET = {Kind.SERVER: 19, Kind.INSTALLED_SERVER: 2, Kind.ENGINE: 13, Kind.TRAINING: 13}

_started: Counter[Kind] = Counter()


def spend(kind: Kind) -> None:
    """Count one more; fails the test where that is too many."""
    _started[kind] += 1
    if _started[kind] > BUDGET[kind]:
        pytest.fail(
            f"this is number {_started[kind]} of {kind.value}, of which the suite's time allows "
            f"{BUDGET[kind]}: share one that is there, see {__name__.replace('.', '/')}.py"
        )
