"""Mathematical equality of a completion's answer and the reference answer."""

from collections.abc import Sequence
from functools import partial
from typing import Self

from laserve.answers.boxed import last_boxed
from laserve.answers.math_equality import prepare
from laserve.answers.worker import Worker
from laserve.core.row_faults import RowFaults
from laserve.errors import DataError
from laserve_training.problem import Problem
from laserve_training.verifiers.grading import is_answer, is_right, stated


class MathVerifier:
    r"""Whether a completion's answer is right (`grading.is_right`).

    The completion's answer is its last `\boxed{...}`, and without one it has none. Where the
    verifier `is_lenient`, the answer then is all of the completion, or what it states
    (`grading.stated`). An answer that takes longer than `timeout_s` seconds to check is incorrect.
    The reference answer of a solution in GSM8K's form is what stands behind its `####`. Raises
    DataError where it is empty. Works from any thread; close it after use.
    """

    def __init__(self, timeout_s: float = 5.0, *, is_lenient: bool = False) -> None:
        check = partial(is_correct, is_lenient=True) if is_lenient else is_correct
        self._worker = Worker(check, timeout_s, prepare)

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
        """Raise DataError that names the problems whose reference answer is empty, takes too long,
        or is neither mathematics nor a few words (`grading.is_answer`)."""
        faults = RowFaults()
        for problem in problems:
            with faults.caught():
                self._check_reference(problem)
        faults.refuse()

    def _check_reference(self, problem: Problem) -> None:
        if not self(problem, rf"\boxed{{{_answer(problem.answer)}}}"):
            raise DataError(
                f"{problem.where}: the answer {problem.answer!r} is not equal to itself, or "
                "takes too long to check: mend it, or use another verifier than `math`"
            )
        if not is_answer(_answer(problem.answer)):
            raise DataError(
                f"{problem.where}: the answer {problem.answer!r} is neither mathematics nor a few "
                "words, and no answer would be right: give the answer alone, or use another "
                "verifier than `math`"
            )

    def close(self) -> None:
        """Ends the process that checks."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def is_correct(where: str, reference: str, completion: str, *, is_lenient: bool = False) -> bool:
    """A `MathVerifier`'s verdict, without a time limit. `where` names the problem in errors."""
    answer = _answer(reference)
    if not answer:
        raise DataError(
            f"{where}: the answer {reference!r} cannot be read as mathematics: mend it, or use "
            "another verifier than `math`"
        )
    box = last_boxed(completion)
    if box is not None:
        return is_right(answer, box)
    return is_lenient and (is_right(answer, completion) or is_right(answer, stated(completion)))


def _answer(reference: str) -> str:
    return reference.rpartition("####")[2].strip()
