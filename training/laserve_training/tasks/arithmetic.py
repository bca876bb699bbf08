"""What the tasks on chains of + and - modulo a small number share.

A chain is worked out step by step, each step from the result of the one before, and its result
stands after the `#`: 6 + 6 - 2 modulo 10 is `6+6=2;2-2=0#0`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from laserve.errors import ConfigurationError
from laserve_training.problem import Problem, Split, Verifier

OPERATIONS = "+-"


def work_out(
    numbers: Sequence[int],
    operations: Sequence[str],
    modulus: int,
    slip: tuple[int, int] | None = None,
) -> str:
    """The text that works a chain out; `operations` holds one "+" or "-" between two numbers each.

    `slip` is (step, offset): the result of that step is off by so much, and carried on.
    """
    result = numbers[0]
    steps = []
    for index, (operation, number) in enumerate(zip(operations, numbers[1:], strict=True)):
        left = result
        result = left + number if operation == "+" else left - number
        if slip is not None and slip[0] == index:
            result += slip[1]
        result %= modulus
        steps.append(f"{left}{operation}{number}={result}")
    return f"{';'.join(steps)}#{result}"


def final_result(text: str) -> str:
    """What stands after the last `#`; empty where there is none."""
    _, mark, result = text.rpartition("#")
    return result if mark else ""


class ArithmeticTask(ABC):
    """A task whose problems are generated without end, with demonstrations of any quality."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Short, for reports and file names."""

    @property
    @abstractmethod
    def alphabet(self) -> str:
        """The characters of its questions and answers, sorted."""

    @property
    def verifier(self) -> Verifier:
        """The task's own."""
        return self._is_correct

    def problems(self, split: Split, count: int | None, seed: int) -> list[Problem]:
        """`count` problems drawn from a split, with replacement.

        Raises ConfigurationError where `count` is None.
        """
        if count is None:
            raise ConfigurationError(
                f"{self.name} problems are generated without end: say how many {split} problems"
            )
        rng = Random(f"{self.name} {split} {seed}")
        return [self._draw(split, rng, f"{self.name} {split} {index}") for index in range(count)]

    def demonstrations(self, count: int, seed: int, correct_share: float) -> list[Problem]:
        """`count` train problems with a completion, each meant to be correct with probability
        `correct_share`. Raises ConfigurationError where that is not from 0 to 1."""
        if not 0.0 <= correct_share <= 1.0:
            raise ConfigurationError(f"correct_share={correct_share} is not from 0 to 1")
        rng = Random(f"{self.name} demonstrations {seed}")
        return [
            replace(problem, completion=self._demonstrate(problem, rng, correct_share))
            for problem in self.problems(Split.TRAIN, count, seed)
        ]

    @abstractmethod
    def _draw(self, split: Split, rng: Random, where: str) -> Problem:
        """A random problem of a split."""

    @abstractmethod
    def _demonstrate(self, problem: Problem, rng: Random, correct_share: float) -> str:
        """A random completion."""

    @abstractmethod
    def _is_correct(self, problem: Problem, completion: str) -> bool:
        """The verdict on a completion."""


def digits_of(modulus: int) -> str:
    """The characters of the numbers below a modulus."""
    return "".join(sorted(set("".join(map(str, range(modulus))))))
