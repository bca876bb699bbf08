"""The verifier of several tasks in one: each problem is judged as its part has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from laserve_training.problem import Problem, Verifier
from laserve_training.verifiers.references import check_references


@dataclass(frozen=True, slots=True)
class PartedVerifier:
    """A verifier for each part, by `Problem.part`."""

    verifiers: tuple[Verifier, ...]

    def __call__(self, problem: Problem, completion: str) -> bool:
        """The verdict on the text of a completion."""
        return self.verifiers[problem.part](problem, completion)

    def check_references(self, problems: Sequence[Problem]) -> None:
        """Raise DataError that names the problems whose reference answers are of no use."""
        for part, verifier in enumerate(self.verifiers):
            check_references(verifier, [problem for problem in problems if problem.part == part])
