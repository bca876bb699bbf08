r"""Answers that are words, and the marks around an answer.

`**Yes**`, `\text{yes}`, "Yes!" and `\boxed{YES}` are "yes".
"""

import re

from laserve.answers.boxed import boxes
from laserve.answers.mathematics.folding import folded
from laserve.answers.mathematics.spelling import spell_scripts
from laserve.answers.normal_form import normal_form

_QUOTES = frozenset({'""', "''", "“”", "‘’", "``", "«»"})
_PUNCTUATION = " .,;:。．、"
_MARKED = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(_{1,2})(?P<inner>[^_]+)\1",
        r"#+\s+(?P<inner>.+)",
        r"<(b|strong|i|em|u|code|span|p)>(?P<inner>[^<>]+)</\1>",
        r"(?:\\therefore(?![A-Za-z])|\\(?:Rightarrow|implies|rightarrow)(?![A-Za-z])|[∴⇒→])\s*(?P<inner>.+)",
        r"\{?\s*\\color\s*\{[^{}]*\}\s*(?P<inner>[^{}]+|\{[^{}]+\})\}?",
        r"\\(?:textcolor|colorbox)\s*\{[^{}]*\}\s*\{(?P<inner>[^{}]+)\}",
    )
)
_ARTICLE = re.compile(r"^A (?=\w{2})")
_SPACE = r"(?:\\[,;:!> ]|~|\\(?:quad|qquad)(?![A-Za-z]))"
_SPACES_AROUND = re.compile(rf"^(?:{_SPACE}\s*)+|(?:\s*{_SPACE}|\s*\\\\)+$")
_LAYOUT = re.compile(rf"{_SPACE}|\\(?:left|right|displaystyle)(?![A-Za-z])|(?<!\\)\$")
_WORDS_IN_LATEX = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|sf|tt|up)?|mathrm|mathbf|mbox|hbox|emph)\s*\{([^{}\\]*)\}"
)
_NUMERALS = "¹²³⁰-₟¼-¾⅐-↉"
_WORD = re.compile(rf"[^\W\d_{_NUMERALS}]{{2,}}")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?(?:_(?:\d+|\{\d+\}))?)+")
_IN_BRACKETS = re.compile(r"\(([^()]+)\)")
_SCRIPT = re.compile(r"\s*([_^])\s*(?:\{([^{}]*)\}|([\dA-Za-z+*-]))")
_MATHEMATICS = re.compile(rf"[\d\\^_=<>+*/|(){{}}\[\]%{_NUMERALS}]")


def bare(form: str) -> str:
    """A normal form without marks, boxes and quotes around it, and without punctuation and space at
    its end; never nothing."""
    while (shorter := normal_form(_without_ends(form)) or form) != form:
        form = shorter
    return form


def words(form: str) -> str | None:
    """An answer that is nothing but words, in one way of writing it; None where it is not."""
    plain = unwrapped(form).rstrip("!?.")
    if bracketed := _IN_BRACKETS.fullmatch(plain):
        plain = bracketed[1]
    is_words = _WORD.search(plain) and not _MATHEMATICS.search(plain)
    return _folded(_ARTICLE.sub("a ", plain)) if is_words and len(plain) > 1 else None


def as_text(form: str) -> str:
    """An answer that cannot be read otherwise; in LaTeX the case of its words counts, as they may
    be variables."""
    # Na^+, \\text{Na}^{+} and Na⁺ are one.
    plain = _SCRIPT.sub(r"\1{\2\3}", spell_scripts(unwrapped(form)))
    if "\\" in plain or "^" in plain:
        return plain
    return _folded(plain)


def _folded(text: str) -> str:
    return _WORD.sub(lambda word: folded(word[0]), text.replace("’", "'"))


def unwrapped(form: str) -> str:
    r"""A form without LaTeX's marks of words and spaces: `6\text{ am}` is "6 am"."""
    while (shorter := _WORDS_IN_LATEX.sub(r" \1 ", form)) != form:
        form = shorter
    return " ".join(_LAYOUT.sub(" ", form).split())


def without_type(form: str) -> str:
    r"""A chemical formula without LaTeX's marks of words, `\text{H}_2\text{O}` as H_2O; any other
    form as it is."""
    plain = unwrapped(form).replace(" ", "")
    return plain if _FORMULA.fullmatch(plain) and "_" in plain else form


def _without_ends(form: str) -> str:
    found = boxes(form)
    if found and (found[0].start, found[0].content_end) == (0, len(form) - 1):
        return form[found[0].content_start : found[0].content_end].strip()
    for pattern in _MARKED:
        if marked := pattern.fullmatch(form):
            return marked["inner"].strip()
    form = _SPACES_AROUND.sub("", form)
    # Three full stops are none: 0.333... goes on.
    form = form if form.endswith("..") else form.rstrip(_PUNCTUATION)
    inner = form[1:-1]
    if form[:1] + form[-1:] in _QUOTES and not {form[0], form[-1]} & set(inner):
        return inner.strip()
    return form
