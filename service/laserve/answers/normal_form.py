"""The form of an answer without differences that mean nothing."""

import re
import unicodedata
from functools import lru_cache

MAX_ANSWER_CHARS = 4096
"""Longer answers are compared as they are: Unicode's normal forms take quadratic time."""

_IN_DOLLARS = re.compile(r"(\${1,2})((?:[^$\\]|\\.)+)\1", re.DOTALL)


def normal_form(answer: str) -> str:
    """NFKC, runs of white space as one space and none around, without the full stop at the end
    (not the last of several) and without dollar signs around all of it. Nothing else is taken off,
    and never everything. An answer of more than MAX_ANSWER_CHARS is its own normal form.

    Idempotent.
    """
    return _normal_form(answer) if len(answer) <= MAX_ANSWER_CHARS else answer


# One request asks again and again for those of its answers.
@lru_cache(maxsize=1024)
def _normal_form(answer: str) -> str:
    form = " ".join(unicodedata.normalize("NFKC", answer).split())
    while (shorter := _without_ends(form)) != form:
        form = shorter
    return form


def _without_ends(form: str) -> str:
    if in_dollars := _IN_DOLLARS.fullmatch(form):
        form = in_dollars[2].strip() or form
    if form.endswith(".") and not form.endswith(".."):
        form = form[:-1].rstrip() or form
    return form
