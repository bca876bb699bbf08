"""The task that a configuration names."""

from laserve_training.config import (
    CountdownTable,
    FileTable,
    MixturePart,
    MixtureTable,
    ReasoningGymTable,
    SumsTable,
    TaskTable,
)
from laserve_training.problem import Part, Task
from laserve_training.tasks.countdown import CountdownTask
from laserve_training.tasks.files import FileTask
from laserve_training.tasks.mixture import MixtureTask
from laserve_training.tasks.reasoning_gym import ReasoningGymTask
from laserve_training.tasks.sums import SumsTask


def make_task(table: TaskTable) -> Task:
    """The task of a `[task]` table. Raises ConfigurationError where its options cannot be."""
    match table:
        case CountdownTable():
            return CountdownTask(table.numbers, table.modulus)
        case SumsTable():
            return SumsTask(table.terms, table.modulus)
        case FileTable():
            return FileTask(table.name, table.train, table.calibration, table.test)
        case ReasoningGymTable():
            return ReasoningGymTask(table.dataset, table.options)
        case MixtureTable():
            return MixtureTask(table.name, tuple(map(_make_part, table.parts)))


def _make_part(table: MixturePart) -> Part:
    return Part(make_task(table.task), table.weight, table.verifier)
