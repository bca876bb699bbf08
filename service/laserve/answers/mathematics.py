r"""Mathematical equality, by math-verify: 1/2, 0.5 and \frac{1}{2} are the same.

Any of it can be kept busy for ever by its input (`9^{9^{9^9}}`): call it inside a `Worker` only.
"""

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from math_verify import parse, verify

_MARKS = ("$", "\\(", "\\[", "\\boxed")
_WORD = re.compile(r"[^\W\d_]{2}")
_MATHEMATICS = re.compile(r"[\d\\^_=<>+*/|(){}\[\]]|(?i:infinity)")


def prepare() -> None:
    """Do what only the first call does: it takes longer than many of those after it."""
    # It warns that its own time limit is off: that one needs the main thread.
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    first_equal("x+1", ("x+2",))


def parse_math(text: str) -> list[Any]:
    """What math-verify finds in a text: expressions of sympy and strings, none where it finds
    nothing. Where it is to read all of the text, give it `marked`."""
    found: list[Any] = parse(text, parsing_timeout=None)
    return found


def marked(answer: str) -> str:
    """An answer as math-verify finds it: what has no mark of its own is boxed."""
    return answer if any(mark in answer for mark in _MARKS) else boxed(answer)


def boxed(text: str) -> str:
    r"""`\boxed{text}`."""
    return f"\\boxed{{{text}}}"


def matches(gold: list[Any], given: list[Any]) -> bool:
    """Whether `given` equals the reference `gold`, both from `parse_math`."""
    return bool(verify(gold, given, timeout_seconds=None))


def first_equal(answer: str, representatives: Sequence[str]) -> int | None:
    """Index of the first representative that equals the answer; None where none does.

    Equality is symmetric here, but not transitive (x=1 equals 1, which equals y=1).
    """
    given = _parsed(answer)
    for index, representative in enumerate(representatives):
        # math-verify reads words as products of their letters: "on" would be "no".
        if _is_words(answer) and _is_words(representative):
            continue
        other = _parsed(representative)
        if matches(other, given) or (_has_sides(given, other) and matches(given, other)):
            return index
    return None


# Every answer of a request is compared with the same representatives.
@lru_cache(maxsize=256)
def _parsed(answer: str) -> list[Any]:
    return parse_math(marked(answer))


def _has_sides(*parsed: list[Any]) -> bool:
    """Whether one of the two is a relation, a set or a tuple: for these math-verify makes a
    difference between the reference and the answer. What can stand in a sum is none of them."""
    return any(
        not isinstance(value, str) and not hasattr(value, "as_coeff_Mul")
        for values in parsed
        for value in values
    )


def _is_words(answer: str) -> bool:
    return bool(_WORD.search(answer)) and not _MATHEMATICS.search(answer)
