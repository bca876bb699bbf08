"""Whether an answer is right, given a reference answer.

As in a vote (`laserve.answers.mathematics`), and besides, as graders of mathematics do:

- A unit or a percent sign that only one of the two has is overlooked: 5 is right for 5 cm, and for
  5 %; 5 m is not right for 5 cm.
- Names that only one of the two has are overlooked: -5, 3 is right for x=-5, y=3, and 2 for B/A=2.
- Where one of the two is no decimal fraction (1/3, the root of 2), the other may be one that is
  right to six digits, 0.333333 or 1.414214.
"""

import re
from fractions import Fraction

from laserve.answers.last_number import last_number
from laserve.answers.mathematics.arithmetic import OutOfReachError, Value, is_near
from laserve.answers.mathematics.canonical import tree_key
from laserve.answers.mathematics.expressions import constant
from laserve.answers.mathematics.key import math_key, read
from laserve.answers.mathematics.real_sets import set_key
from laserve.answers.mathematics.relations import named_value, statement
from laserve.answers.mathematics.tree import (
    Call,
    Relation,
    Sequence,
    Symbol,
    Tree,
    children,
    walk,
)

TOLERANCE = Fraction(1, 10**6)
"""Of a decimal fraction for another number, relative."""

_STATED = re.compile(r"\banswer(?:\s+is)?\b[\s:]*+([^\n]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_NUMBER = re.compile(r"\d")
_MARK_UP = re.compile(r"[<>\[\]]")
_FORMULA = re.compile(
    r"(?<![\\$])(\${1,2})(?:[^$\\]|\\.)+\1|\\\((?:[^\\]|\\[^)])+\\\)|\\\[(?:[^\\]|\\[^\]])+\\\]",
    re.DOTALL,
)


def is_right(reference: str, answer: str) -> bool:
    """Whether an answer is right."""
    if math_key(reference) == math_key(answer):
        return True
    one, other = read(reference), read(answer)
    return one is not None and other is not None and _agree(one, other)


def is_answer(reference: str) -> bool:
    """Whether a reference is an answer alone, which an answer can equal: mathematics, or a few
    words ("Paris", "no solution", "June 20")."""
    if read(reference) is not None or not math_key(reference).startswith("text:"):
        return True
    words = _WORD.findall(_COMMAND.sub(" ", reference))
    allowed = 1 if _NUMBER.search(reference) else 3  # "It is 5" has words around its answer
    return len(words) <= allowed and "answer" not in words and not _MARK_UP.search(reference)


def stated(text: str) -> str:
    r"""The answer that a text states: the rest of the line behind its last "answer is" or
    "answer:", where that is mathematics and no more; else its last formula (`$...$`, `\(...\)`,
    `\[...\]`), else its last number; "" where it has none."""
    lines = _STATED.findall(text)
    if lines and read(lines[-1]) is not None:
        line: str = lines[-1]
        return line
    formulas = [formula[0] for formula in _FORMULA.finditer(text)]
    return formulas[-1] if formulas else last_number(text) or ""


def _agree(one: Tree, other: Tree) -> bool:
    match one, other:
        case Sequence("(" | "[", items, _), Sequence(_, others, _) if len(items) == len(others):
            is_same_kind = (one.opening, one.closing) == (other.opening, other.closing)
            return is_same_kind and all(map(_agree, items, others))
    if isinstance(one, Relation) != isinstance(other, Relation):
        one, other = _value(one), _value(other)
    if _has_names(one) != _has_names(other):
        return _unnamed_key(one) == _unnamed_key(other)
    pure, other_pure = _without_unit(one), _without_unit(other)
    if (pure is one) != (other_pure is other):
        one, other = pure, other_pure
    return tree_key(one) == tree_key(other) or _are_near(one, other)


def _value(tree: Tree) -> Tree:
    named = named_value(tree, tree_key) if isinstance(tree, Relation) else None
    return tree if named is None else named


def _has_names(tree: Tree) -> bool:
    return any(isinstance(item, Relation) for item in children(tree))


def _unnamed_key(tree: Tree) -> str:
    """The key of a list of the values alone."""
    return set_key(
        statement(item, tree_key).key if isinstance(item, Relation) else tree_key(item)
        for item in children(tree)
    )


def _without_unit(tree: Tree) -> Tree:
    """The number of a quantity; the very same tree where it is none."""
    match tree:
        case Call("negative", (inner,)):
            pure = _without_unit(inner)
            return tree if pure is inner else Call("negative", (pure,))
        case Call("percent" | "celsius" | "fahrenheit", (number,)):
            return number
        case Call("multiply", (number, unit)) if _is_unit(unit):
            return _without_unit(number)
    return tree


def _is_unit(tree: Tree) -> bool:
    symbols = [node for node in walk(tree) if isinstance(node, Symbol)]
    return bool(symbols) and all(symbol.is_unit for symbol in symbols)


def _are_near(one: Tree, other: Tree) -> bool:
    try:
        value, other_value = constant(one), constant(other)
        if value is None or other_value is None:
            return False
        is_approximation = _is_decimal(value) != _is_decimal(other_value)
        return is_approximation and is_near(value, other_value, TOLERANCE)
    except OutOfReachError:
        return False


def _is_decimal(value: Value) -> bool:
    """Whether a number can be written as a decimal fraction."""
    if not isinstance(value, Fraction):
        return False
    denominator = value.denominator
    return bool(10 ** denominator.bit_length() % denominator == 0)
