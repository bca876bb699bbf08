"""An answer as it was read: numbers, symbols, operations, sequences, matrices, relations."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


class UnreadError(ValueError):
    """A text that is not wholly mathematics as it is read here."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Symbol:
    r"""A variable or a unit: "x", "x_1", "\alpha", "m", or words in quotes, '"red apples"'."""

    name: str
    is_unit: bool = False
    """Whether it stands where a unit does: a quantity of units alone is a constant."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation or a function: "add", "power", "sin"; constants are calls of no arguments.

    A function that nothing is known of has its letter in quotes, '"f"'.
    """

    function: str
    arguments: tuple["Tree", ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """What stands between brackets, "(", "[" or "{"; a list without any is opened and closed by
    "or" or "and", where that stands between its items, else by ""."""

    opening: str
    items: tuple["Tree", ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of equal length."""

    rows: tuple[tuple["Tree", ...], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain: one sign fewer than sides."""

    signs: tuple[str, ...]
    sides: tuple["Tree", ...]


Tree = Number | Symbol | Call | Sequence | Matrix | Relation

INFINITY = Call("infinity")
REALS = Symbol("\\mathbb R")


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees right below."""
    match tree:
        case Call(_, below) | Sequence(_, below, _) | Relation(_, below):
            return below
        case Matrix(rows):
            return tuple(item for row in rows for item in row)
    return ()


def with_children(tree: Tree, below: tuple[Tree, ...]) -> Tree:
    """The same tree on other ones below, as many."""
    match tree:
        case Call(function):
            return Call(function, below)
        case Sequence(opening, _, closing):
            return Sequence(opening, below, closing)
        case Relation(signs):
            return Relation(signs, below)
        case Matrix(rows):
            width = len(rows[0])
            return Matrix(
                tuple(below[start : start + width] for start in range(0, len(below), width))
            )
    return tree


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree, and all below it."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def is_unknown(tree: Tree) -> bool:
    """Whether a tree is a function that nothing is known of, applied to something."""
    return isinstance(tree, Call) and tree.function.startswith('"')


def free(tree: Tree) -> frozenset[str]:
    """Names of the variables and of the unknown functions."""
    names = []
    for node in walk(tree):
        if isinstance(node, Symbol) and not node.is_unit:
            names.append(node.name)
        elif isinstance(node, Call) and is_unknown(node):
            names.append(node.function)
    return frozenset(names)


def difference(one: Tree, other: Tree) -> Tree:
    """One minus the other."""
    return Call("add", (one, Call("negative", (other,))))


def spelled(tree: Tree) -> str:
    """The tree as text: the same for equal trees, whatever the order of sums and products."""
    match tree:
        case Number(value):
            return str(value)
        case Symbol(name):
            return name
        case Call(function, arguments):
            below = [spelled(argument) for argument in arguments]
            # The order of vectors and matrices counts.
            is_of_numbers = not any(isinstance(node, Sequence | Matrix) for node in walk(tree))
            if function == "add" or (function == "multiply" and is_of_numbers):
                below.sort()
            return f"{function}({','.join(below)})"
        case Sequence(opening, items, closing):
            return f"{opening or '<'}{','.join(map(spelled, items))}{closing or '>'}"
        case Relation(signs, sides):
            pairs = zip(("", *signs), map(spelled, sides), strict=True)
            return f"({''.join(sign + side for sign, side in pairs)})"
        case Matrix(rows):
            return ";".join(",".join(map(spelled, row)) for row in rows)
