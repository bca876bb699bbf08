"""Multiple choice: the letter A to J that a completion settles on."""

from laserve.answers.choice import chosen_letter, sole_letter
from laserve.errors import DataError
from laserve_training.problem import Problem


def is_chosen(problem: Problem, completion: str) -> bool:
    """Whether the last letter that the completion gives as its answer is the reference answer.

    Raises DataError where that is no letter from A to J.
    """
    answer = sole_letter(problem.answer)
    if answer is None:
        raise DataError(
            f"{problem.where}: the answer {problem.answer!r} is no letter from A to J: give one, "
            "or use another verifier than `choice`"
        )
    return chosen_letter(completion) == answer
