"""Mathematical equality, by math-verify: 1/2, 0.5 and \\frac{1}{2} are the same answer."""

import logging
from collections.abc import Sequence
from typing import Self

from math_verify import parse, verify

from laserve.errors import DataError
from laserve_training.problem import Problem
from laserve_training.verifiers.boxed import last_boxed
from laserve_training.verifiers.worker import Worker


class MathVerifier:
    r"""Whether a completion's answer equals the reference answer.

    The completion's answer is its last `\boxed{...}`; where it has none, what math-verify finds in
    it. An answer that takes longer than `timeout_s` seconds to check is incorrect. Raises DataError
    where the reference answer cannot be read. Works from any thread; close it after use.
    """

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._worker = Worker(_is_equal, timeout_s)

    @property
    def timeouts(self) -> int:
        """Answers that counted as incorrect because the check of them had to be ended."""
        return self._worker.timeouts

    def __call__(self, problem: Problem, completion: str) -> bool:
        """The verdict on the text of a completion."""
        return self._worker(problem.where, problem.answer, completion)

    def check_references(self, problems: Sequence[Problem]) -> None:
        """Raise DataError for the first reference answer that cannot be read, or in time: before
        training, not in the midst of it."""
        for problem in problems:
            if not self(problem, _marked(problem.answer)):
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
    # It warns that its own time limit is off: that one needs the main thread.
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    gold = parse(_marked(answer), parsing_timeout=None)
    if not gold:
        raise DataError(
            f"{where}: the answer {answer!r} cannot be read as mathematics: mend it, or use "
            "another verifier than `math`"
        )
    box = last_boxed(completion)
    given = parse(completion if box is None else _boxed(box), parsing_timeout=None)
    return bool(verify(gold, given, timeout_seconds=None))


def _marked(answer: str) -> str:
    """A reference answer as math-verify finds it: what has no mark of its own is boxed."""
    is_marked = any(mark in answer for mark in ("$", "\\(", "\\[", "\\boxed"))
    return answer if is_marked else _boxed(answer)


def _boxed(text: str) -> str:
    return f"\\boxed{{{text}}}"
