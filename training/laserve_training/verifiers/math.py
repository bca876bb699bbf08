"""Mathematical equality of a completion's answer and the reference answer."""

from collections.abc import Sequence
from typing import Self

from laserve.answers.boxed import last_boxed
from laserve.answers.mathematics import boxed, marked, matches, parse_math, prepare
from laserve.answers.worker import Worker
from laserve.errors import DataError
from laserve_training.problem import Problem


class MathVerifier:
    r"""Whether a completion's answer equals the reference answer.

    The completion's answer is its last `\boxed{...}`; where it has none, what math-verify finds in
    it. An answer that takes longer than `timeout_s` seconds to check is incorrect. Raises DataError
    where the reference answer cannot be read. Works from any thread; close it after use.
    """

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._worker = Worker(_is_equal, timeout_s, prepare)

    @property
    def timeouts(self) -> int:
        """Answers that counted as incorrect because the check of them had to be ended."""
        return self._worker.timeouts

    def __call__(self, problem: Problem, completion: str) -> bool:
        """The verdict on the text of a completion."""
        try:
            return self._worker(problem.where, problem.answer, completion)
        except TimeoutError:
            return False

    def check_references(self, problems: Sequence[Problem]) -> None:
        """Raise DataError for the first reference answer that cannot be read, or in time: before
        training, not in the midst of it."""
        for problem in problems:
            if not self(problem, marked(problem.answer)):
                raise DataError(
                    f"{problem.where}: the answer {problem.answer!r} is not equal to itself, or "
                    "takes too long to check: mend it, or use another verifier than `math`"
                )

    def close(self) -> None:
        """Ends the process that checks."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _is_equal(where: str, answer: str, completion: str) -> bool:
    gold = parse_math(marked(answer))
    if not gold:
        raise DataError(
            f"{where}: the answer {answer!r} cannot be read as mathematics: mend it, or use "
            "another verifier than `math`"
        )
    box = last_boxed(completion)
    return matches(gold, parse_math(completion if box is None else boxed(box)))
