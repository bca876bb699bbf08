"""Correct where the text is the reference answer, but for white space."""

from laserve.answers.boxed import last_boxed
from laserve_training.problem import Problem


def is_exact(problem: Problem, completion: str) -> bool:
    r"""Whether the last `\boxed{...}`, or the whole completion where it has none, is the answer.

    Runs of white space count as one space.
    """
    boxed = last_boxed(completion)
    given = completion if boxed is None else boxed
    return given.split() == problem.answer.split()
