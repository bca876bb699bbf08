"""Tasks that are generated, and can show how they are done."""

from typing import Protocol, runtime_checkable

from laserve_training.problem import Problem, Task


@runtime_checkable
class GeneratedTask(Task, Protocol):
    """A task whose problems are drawn without end."""

    @property
    def alphabet(self) -> str:
        """Every character of its questions and answers."""

    def demonstrations(self, count: int, seed: int, correct_share: float) -> list[Problem]:
        """Training problems with a `completion`, a share of them made to be right."""
