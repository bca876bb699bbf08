"""Multiple choice: the letter A to J that a completion settles on."""

from collections.abc import Sequence

from laserve.answers.choice import chosen_letter, sole_letter
from laserve.core.row_faults import RowFaults
from laserve.errors import DataError
from laserve_training.problem import Problem


class ChoiceVerifier:
    """Whether the last letter that a completion gives as its answer is the reference answer.

    Raises DataError where that is no letter from A to J.
    """

    def __call__(self, problem: Problem, completion: str) -> bool:
        """The verdict on the text of a completion."""
        return chosen_letter(completion) == _reference(problem)

    def check_references(self, problems: Sequence[Problem]) -> None:
        """Raise DataError that names the problems whose reference answer is no letter."""
        faults = RowFaults()
        for problem in problems:
            with faults.caught():
                _reference(problem)
        faults.refuse()


def _reference(problem: Problem) -> str:
    answer = sole_letter(problem.answer)
    if answer is None:
        raise DataError(
            f"{problem.where}: the answer {problem.answer!r} is no letter from A to J: give one, "
            "or use another verifier than `choice`"
        )
    return answer
