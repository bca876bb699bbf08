"""Sums and products with matrices, worked out."""

from laserve.answers.mathematics.tree import (
    Call,
    Matrix,
    Sequence,
    Tree,
    children,
    walk,
    with_children,
)

MAX_MATRICES = 4
"""Products of more grow too large."""


def worked_out(tree: Tree) -> Tree:
    """The tree with one matrix in the place of sums, multiples and products of a few matrices."""
    is_small = sum(isinstance(node, Matrix) for node in walk(tree)) <= MAX_MATRICES
    return _worked_out(tree) if is_small else tree


def _worked_out(tree: Tree) -> Tree:
    below = tuple(map(_worked_out, children(tree)))
    match tree, below:
        case Call("add"), (Matrix(one), Matrix(other)) if _shape(one) == _shape(other):
            return Matrix(
                tuple(
                    tuple(Call("add", pair) for pair in zip(*rows, strict=True))
                    for rows in zip(one, other, strict=True)
                )
            )
        case Call("multiply"), (Matrix(one), Matrix(other)) if _shape(one)[1] == len(other):
            return Matrix(
                tuple(
                    tuple(_dot(row, column) for column in zip(*other, strict=True)) for row in one
                )
            )
        case (Call("multiply"), (scalar, Matrix(rows)) | (Matrix(rows), scalar)) if not isinstance(
            scalar, Matrix | Sequence
        ):
            return _each(rows, "multiply", scalar)
        case Call("divide"), (Matrix(rows), scalar) if not isinstance(scalar, Matrix | Sequence):
            return _each(rows, "divide", scalar)
        case Call("negative"), (Matrix(rows),):
            return _each(rows, "negative")
    return with_children(tree, below)


def _shape(rows: tuple[tuple[Tree, ...], ...]) -> tuple[int, int]:
    return len(rows), len(rows[0])


def _dot(row: tuple[Tree, ...], column: tuple[Tree, ...]) -> Tree:
    first, *others = (Call("multiply", pair) for pair in zip(row, column, strict=True))
    total: Tree = first
    for product in others:
        total = Call("add", (total, product))
    return total


def _each(rows: tuple[tuple[Tree, ...], ...], function: str, *scalar: Tree) -> Matrix:
    return Matrix(tuple(tuple(Call(function, (item, *scalar)) for item in row) for row in rows))
