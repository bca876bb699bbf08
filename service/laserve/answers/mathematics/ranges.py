"""Ranges, scores, telephone numbers: 10-20, 1/2-3/4, $5-$10, 555-1234. They have no spaces around
their signs, and nothing but numbers and units beside them; else a "-" is a difference's."""

from collections.abc import Sequence as Row

from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import Call, Number, Tree, children, free, walk, with_children

_KINDS = frozenset(
    {"-", "number", "/", "%", "degree", "name", "letters", "word", "'", "''", "^", "{", "}"}
)
_STRUCTURES = ("ratio", "cup", "cap", "setminus")


def as_range(row: Row[Token], tree: Tree) -> Tree:
    """The range that these tokens are; the sum that was read of them where they are none."""
    signs = [place for place, token in enumerate(row) if token.kind == "-" and place]
    terms = tuple(_terms(tree))
    is_range = (
        len(terms) == len(signs) + 1 > 1
        and row[row[0].kind == "-"].kind == "number"
        and all(token.kind in _KINDS or token.text == "circ" for token in row)
        and not any(row[place].is_spaced for place in signs)
        and all(row[place + 1].kind == "number" for place in signs)
        and not free(tree)
        and not any(map(_is_power_of_number, walk(tree)))
    )
    return Call("range", terms) if is_range else tree


def without_inner_ranges(tree: Tree, is_inner: bool = False) -> Tree:
    """The tree with differences for the ranges that something is done with, as in 2(5-3)."""
    is_of_numbers = isinstance(tree, Call) and tree.function not in _STRUCTURES
    below = tuple(without_inner_ranges(child, is_of_numbers) for child in children(tree))
    if not (is_inner and isinstance(tree, Call) and tree.function == "range"):
        return with_children(tree, below)
    total, *others = below
    for other in others:
        total = Call("add", (total, Call("negative", (other,))))
    return total


def _is_power_of_number(tree: Tree) -> bool:
    match tree:
        case Call("power", (Number(), _)):
            return True
    return False


def _terms(tree: Tree) -> list[Tree]:
    match tree:
        case Call("add", (one, Call("negative", (other,)))):
            return [*_terms(one), other]
    return [tree]
