"""Chains of sums, worked out step by step: as hard to check as to do.

The question `3+8-5=` is answered by `3+8=1;1-5=6#6`, modulo 10. The opposite of countdown: here a
wrong answer is a slip, which the probability of its tokens shows too.
"""

import re
from dataclasses import dataclass
from random import Random

from laserve.errors import ConfigurationError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.arithmetic import (
    OPERATIONS,
    ArithmeticTask,
    digits_of,
    final_result,
    work_out,
)
from laserve_training.tasks.splits import split_of

FEWEST_QUESTIONS = 200
"""So many, and each split has some."""


@dataclass(frozen=True)
class SumsTask(ArithmeticTask):
    """Chains of `terms` numbers below `modulus`. No question of one split occurs in another.

    An answer is correct where the result after its last `#` is right. The demonstrations that are
    not meant to be correct hold one slip, which is carried on to a wrong result. Raises
    ConfigurationError where there are too few questions for three splits.
    """

    terms: int = 6
    modulus: int = 10

    def __post_init__(self) -> None:
        if self.terms < 2 or self.modulus < 2:
            raise ConfigurationError(
                f"sums with terms={self.terms} and modulus={self.modulus}: give at least 2 of each"
            )
        questions = self.modulus**self.terms * len(OPERATIONS) ** (self.terms - 1)
        if questions < FEWEST_QUESTIONS:
            raise ConfigurationError(
                f"sums with terms={self.terms} and modulus={self.modulus} has {questions} "
                f"questions, fewer than the {FEWEST_QUESTIONS} that three splits need: give more "
                "terms or a larger modulus"
            )

    @property
    def name(self) -> str:
        """Short, for reports and file names."""
        return "sums"

    @property
    def alphabet(self) -> str:
        """The characters of its questions and answers, sorted."""
        return "".join(sorted(f"{digits_of(self.modulus)}{OPERATIONS}=;#"))

    def _draw(self, split: Split, rng: Random, where: str) -> Problem:
        while True:
            numbers = [rng.randrange(self.modulus) for _ in range(self.terms)]
            operations = rng.choices(OPERATIONS, k=self.terms - 1)
            signed = zip(["", *operations], numbers, strict=True)
            question = "".join(f"{operation}{number}" for operation, number in signed) + "="
            if split_of(question) == split:
                answer = final_result(work_out(numbers, operations, self.modulus))
                return Problem(where, ({"role": "user", "content": question},), answer)

    def _demonstrate(self, problem: Problem, rng: Random, correct_share: float) -> str:
        numbers = [int(number) for number in re.findall("[0-9]+", problem.question)]
        operations = re.findall("[+-]", problem.question)
        slip = None
        if rng.random() >= correct_share:
            slip = (rng.randrange(len(operations)), rng.randrange(1, self.modulus))
        return work_out(numbers, operations, self.modulus, slip)

    def _is_correct(self, problem: Problem, completion: str) -> bool:
        return final_result(completion) == problem.answer
