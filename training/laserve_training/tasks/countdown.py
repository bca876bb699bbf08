"""Countdown: reach a target with given numbers. Easy to check, and hard to guess.

The question `2,6,6>2` is answered by `6+6=2;2-2=0#0`, if wrongly: each number is used once, in any
order, with + or - modulo 10, and the result after the `#` should be the target.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations_with_replacement, permutations, product
from math import comb
from random import Random
from typing import cast

from laserve.errors import ConfigurationError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.arithmetic import (
    OPERATIONS,
    ArithmeticTask,
    digits_of,
    final_result,
    work_out,
)
from laserve_training.tasks.splits import split_at

NumberSet = tuple[int, ...]
"""Numbers in rising order; one may stand in it more than once."""

MOST_NUMBERS = 5
"""n numbers have up to n! 2^(n-1) answers, all of which are written out."""

MOST_SETS = 1_000_000
"""The sets of numbers are written out too."""

_STEP = re.compile(r"([0-9]{1,9})([+-])([0-9]{1,9})=")


@dataclass(frozen=True)
class CountdownTask(ArithmeticTask):
    """Countdown with + and -. No set of numbers of one split occurs in another.

    `problem.metadata` holds "numbers", as they stand in the question, and "target". The
    demonstrations that are not meant to be correct calculate rightly and guess: one of all possible
    answers, so by chance a correct one. Raises ConfigurationError where there are too few sets of
    numbers for three splits, or too many to write out.
    """

    numbers: int = 3
    modulus: int = 10

    def __post_init__(self) -> None:
        given = f"countdown with numbers={self.numbers} and modulus={self.modulus}"
        if not 2 <= self.numbers <= MOST_NUMBERS or self.modulus < 2:
            raise ConfigurationError(
                f"{given}: give 2 to {MOST_NUMBERS} numbers and a modulus of at least 2"
            )
        if comb(self.numbers + self.modulus - 1, self.numbers) > MOST_SETS:
            raise ConfigurationError(
                f"{given} has more than {MOST_SETS} sets of numbers: give a smaller modulus"
            )
        if _number_sets(self.numbers, self.modulus).keys() != set(Split):
            raise ConfigurationError(
                f"{given} has too few sets of numbers for three splits: give more numbers or a "
                "larger modulus"
            )

    @property
    def name(self) -> str:
        """Short, for reports and file names."""
        return "countdown"

    @property
    def alphabet(self) -> str:
        """The characters of its questions and answers, sorted."""
        return "".join(sorted(f"{digits_of(self.modulus)}{OPERATIONS},>=;#"))

    def _draw(self, split: Split, rng: Random, where: str) -> Problem:
        number_set = rng.choice(_number_sets(self.numbers, self.modulus)[split])
        numbers = rng.sample(number_set, k=self.numbers)
        target = rng.choice(sorted(_answers(number_set, self.modulus)))
        question = f"{','.join(map(str, numbers))}>{target}"
        return Problem(
            where=where,
            messages=({"role": "user", "content": question},),
            answer=str(target),
            metadata={"numbers": list(numbers), "target": target},
        )

    def _demonstrate(self, problem: Problem, rng: Random, correct_share: float) -> str:
        answers = _answers(_number_set(problem), self.modulus)
        if rng.random() < correct_share:
            return rng.choice(answers[int(problem.answer)])
        return rng.choice([text for texts in answers.values() for text in texts])

    def _is_correct(self, problem: Problem, completion: str) -> bool:
        steps = _STEP.findall(completion)
        if not steps or final_result(completion) != problem.answer:
            return False
        numbers = [int(steps[0][0]), *(int(right) for _, _, right in steps)]
        operations = [operation for _, operation, _ in steps]
        # A chain has one right text: whatever else the completion holds, it differs from that.
        return tuple(sorted(numbers)) == _number_set(problem) and completion == work_out(
            numbers, operations, self.modulus
        )


def _number_set(problem: Problem) -> NumberSet:
    return tuple(sorted(cast("list[int]", problem.metadata["numbers"])))


@cache
def _number_sets(numbers: int, modulus: int) -> Mapping[Split, list[NumberSet]]:
    """The sets of numbers of each split, cut once and for all."""
    every = list(combinations_with_replacement(range(modulus), numbers))
    Random("countdown").shuffle(every)
    sets = defaultdict(list)
    for index, number_set in enumerate(every):
        sets[split_at(100 * index // len(every))].append(number_set)
    return dict(sets)


@lru_cache(maxsize=256)
def _answers(number_set: NumberSet, modulus: int) -> Mapping[int, list[str]]:
    """Every text that uses each number once and calculates rightly, by its result."""
    answers = defaultdict(list)
    for order in sorted(set(permutations(number_set))):
        for operations in product(OPERATIONS, repeat=len(order) - 1):
            text = work_out(order, operations, modulus)
            answers[int(final_result(text))].append(text)
    return dict(answers)
