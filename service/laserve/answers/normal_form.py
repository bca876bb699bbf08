"""The form of an answer without differences that mean nothing."""

import re
import unicodedata
from functools import lru_cache

MAX_ANSWER_CHARS = 4096
"""Longer answers are compared as they are: Unicode's normal forms take quadratic time."""

_MARKED = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"(\${1,2})(?P<inner>(?:[^$\\]|\\.)+)\1",
        r"\\\((?P<inner>(?:[^\\]|\\[^()])+)\\\)",
        r"\\\[(?P<inner>(?:[^\\]|\\[^\[\]])+)\\\]",
        r"(\*{1,3})(?P<inner>[^*]+)\1",
        r"\*\*(?P<inner>(?:[^*]|\*(?!\*))+)\*\*",
    )
)
_KEPT = ("<super>", "<sub>", "<fraction>", "<square>", "<circle>")
_NUMBERS = frozenset("ℂℍℕℙℚℝℤ")
_NOTHING = frozenset(
    "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters without a width that mean nothing."""


def normal_form(answer: str) -> str:
    r"""One form of each character, runs of white space as one space and none around, without the
    full stop at the end (not the last of several) and without marks around all of it: `$5$`,
    `$$5$$`, `\(5\)`, `\[5\]`, `**5**`, `*5*`. Nothing else is taken off, and never everything. An
    answer of more than MAX_ANSWER_CHARS is its own normal form.

    The form of a character is NFKC: full-width digits and ligatures are plain ones. But what would
    be another answer by it stays as it is: 10⁵ is not 105, x₂ not x2, 1½ not 11/2, ℝ not R.

    Idempotent.
    """
    return _normal_form(answer) if len(answer) <= MAX_ANSWER_CHARS else answer


# One request asks again and again for those of its answers.
@lru_cache(maxsize=1024)
def _normal_form(answer: str) -> str:
    if not answer.isascii():
        plain = unicodedata.normalize("NFC", "".join(map(_plain, answer)))
        answer = plain if plain.strip() else answer
    form = " ".join(answer.split())
    while (shorter := _without_ends(form)) != form:
        form = shorter
    return form


def _plain(character: str) -> str:
    if character in _NOTHING:
        return ""
    if character in _NUMBERS or unicodedata.decomposition(character).startswith(_KEPT):
        return character
    plain = unicodedata.normalize("NFKC", character)
    # ˚ and ´ would be a space with a ring or an accent above it.
    if plain.startswith(" ") and len(plain) > 1:
        return character
    # ⒈ is 1. with its full stop: behind another digit it would become part of a number.
    has_digits = any(map(str.isdecimal, plain)) and not character.isdecimal()
    return character if has_digits else plain


def _without_ends(form: str) -> str:
    for pattern in _MARKED:
        if marked := pattern.fullmatch(form):
            form = marked["inner"].strip() or form
    if form.endswith(".") and not form.endswith(".."):
        form = form[:-1].rstrip() or form
    return form
