"""The pieces of an answer."""

from dataclasses import dataclass

from laserve.answers.mathematics.tree import Tree


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer.

    Kinds: number, name (of a variable), letters (two or three that are no word), word, function,
    constant, begin and end (of a matrix), row (its end), command (unknown here), and signs, which
    are a kind each, with one name for all that means the same: "<=" is `\\leq`, too.
    """

    kind: str
    text: str
    is_spaced: bool = False
    """Whether something divides it from the one in front of it."""
    is_text: bool = False
    r"""Whether it stands in `\text{...}` or the like."""
    literal: Tree | None = None
    """Of a number."""
