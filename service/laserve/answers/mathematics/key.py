r"""One key for each answer: two answers are one where their keys are.

    answer -> normal form -> marks off (`texts`) -> a date? (`wholes`) words? (`texts`)
           -> tokens (`lexer`) -> tree (`parser`) -> key (`canonical`)

So equality is an equivalence by construction, and no vote depends on the order of arrival. What
cannot be read as mathematics, all of it, is compared as text: nothing is equal because it was not
understood.
"""

from hashlib import sha256
from itertools import pairwise

from laserve.answers.mathematics.arithmetic import number_key
from laserve.answers.mathematics.canonical import tree_key
from laserve.answers.mathematics.folding import is_product
from laserve.answers.mathematics.lexer import Lexer
from laserve.answers.mathematics.number_words import number_in_words
from laserve.answers.mathematics.parser import parse
from laserve.answers.mathematics.texts import as_text, bare, unwrapped, without_type, words
from laserve.answers.mathematics.tree import Tree, UnreadError
from laserve.answers.mathematics.units import unit
from laserve.answers.mathematics.wholes import holds_date, whole_key
from laserve.answers.normal_form import normal_form

MAX_MATH_CHARS = 512
"""Longer answers are compared by their normal forms."""

_MAX_KEY_CHARS = 200
_KINDS_IN_WORDS = frozenset({"name", "constant", "function", "-", ",", ";", "and", "or", "(", ")"})


def math_key(answer: str) -> str:
    """The key of an answer, the same for answers of the same normal form. Never raises; takes a few
    milliseconds, and a fraction of a second for answers that are made to take long."""
    kind, key = _kind_and_key(normal_form(answer))
    if len(key) > _MAX_KEY_CHARS:
        key = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}:{key}"


def read(answer: str) -> Tree | None:
    """What an answer says as mathematics; None where it is compared otherwise."""
    form = normal_form(answer)
    if len(form) > MAX_MATH_CHARS:
        return None
    form = bare(form)
    try:
        return None if whole_key(unwrapped(form)) else _tree(form)
    except UnreadError:
        return None


def _kind_and_key(form: str) -> tuple[str, str]:
    if len(form) > MAX_MATH_CHARS:
        return "long", form
    form = bare(form)
    if whole := whole_key(unwrapped(form)):
        return "whole", whole
    try:
        return "math", tree_key(_tree(form))
    except UnreadError:
        said = words(form)
        number = None if said is None else number_in_words(said)
        if number is not None:
            return "math", number_key(number)
        return "text", said or as_text(form) or form


def _tree(form: str) -> Tree:
    if words(form) and not _are_mathematics(form):
        raise UnreadError("words")
    if holds_date(unwrapped(form)):
        raise UnreadError("a date")
    return parse(Lexer(without_type(form)).tokens())


def _are_mathematics(form: str) -> bool:
    """Whether words are those of mathematics: "infinity", "sin x", "A and B", "xy"."""
    tokens = list(Lexer(form).tokens())
    # Two runs of letters side by side are two words.
    are_words = any(one.kind == other.kind == "letters" for one, other in pairwise(tokens))
    return not are_words and all(
        token.kind in _KINDS_IN_WORDS
        or (token.kind == "letters" and is_product(token.text) and not unit(token.text))
        for token in tokens
    )
