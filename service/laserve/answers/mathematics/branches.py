r"""Roots, logarithms and absolute values in one way of writing, as far as that holds for all real
values of the variables: `\sqrt{x^2}` is `|x|`, `\sqrt{x/y}` is `\sqrt x/\sqrt y`, `\ln x^2` is
`2\ln|x|`, `\log_2 x` is `\ln x/\ln 2`.

What is left as a root, or as a logarithm, has another branch (`expressions`).
"""

from fractions import Fraction

from laserve.answers.mathematics.tree import (
    Call,
    Number,
    Symbol,
    Tree,
    children,
    difference,
    is_unknown,
    walk,
    with_children,
)

_MAX_COPIED = 8
"""Nodes of an exponent."""


def plain(tree: Tree) -> Tree:
    """The tree with powers for roots and natural logarithms for others, each of as little as is
    possible."""
    below = tuple(map(plain, children(tree)))
    match tree, below:
        case Call("sqrt"), (base,):
            return _power(base, Number(Fraction(1, 2)))
        case Call("root"), (degree, base):
            return _power(base, _inverse(degree))
        case Call("power"), (base, exponent):
            return _power(base, exponent)
        case Call("log"), (base, argument):
            return Call("divide", (_logarithm(argument), _logarithm(base)))
        case Call("ln"), (argument,):
            return _logarithm(argument)
        case Call("abs"), (inner,):
            return _absolute(inner)
    return with_children(tree, below)


def varies(tree: Tree) -> bool:
    """Whether the value of a tree may depend on a variable or a unit."""
    return any(isinstance(node, Symbol) or is_unknown(node) for node in walk(tree))


def is_never_negative(tree: Tree) -> bool:
    """Whether a tree shows that its value, where it is real, is not below zero."""
    match tree:
        case Number(value):
            return value >= 0
        case Call("abs" | "pi" | "e"):
            return True
        case Call("multiply" | "divide", parts):
            return all(map(is_never_negative, parts))
        case Call("power", (base, exponent)):
            return is_never_negative(base) or _is_even(_fraction(exponent))
    return False


def _power(base: Tree, exponent: Tree) -> Tree:
    times = _fraction(exponent)
    is_of_root = times is None or times.denominator % 2 == 0
    # It is written twice, and so in a tower again and again.
    is_of_root &= sum(1 for _ in walk(exponent)) <= _MAX_COPIED
    match base:
        case Call("abs", (inner,)) if _is_even(times):
            return Call("power", (inner, exponent))
        case Call("power", (inner, within)) if varies(inner):
            return _power_of_power(inner, within, exponent)
        case Call("divide", (one, other)) if is_of_root and varies(base):
            return Call("divide", (_power(one, exponent), _power(other, exponent)))
        case Call("multiply", (one, other)) if is_of_root and varies(base):
            if is_never_negative(one) or is_never_negative(other):
                return Call("multiply", (_power(one, exponent), _power(other, exponent)))
    return Call("power", (base, exponent))


def _power_of_power(base: Tree, within: Tree, exponent: Tree) -> Tree:
    inner, outer = _fraction(within), _fraction(exponent)
    if inner is None:
        return Call("power", (base, Call("multiply", (within, exponent))))
    if outer is None:
        base = _absolute(base) if _is_even(inner) else base
        return Call("power", (base, Call("multiply", (within, exponent))))
    both = inner * outer
    if outer.denominator > 1 and _is_even(inner) and not _is_even(both):
        base = _absolute(base)
    return Call("power", (base, Number(both)))


def _logarithm(tree: Tree) -> Tree:
    if varies(tree):
        match tree:
            case Call("divide", (one, other)):
                return difference(_logarithm(one), _logarithm(other))
            case Call("multiply", (one, other)) if is_never_negative(one) or is_never_negative(
                other
            ):
                return Call("add", (_logarithm(one), _logarithm(other)))
            case Call("power", (base, exponent)) if varies(base):
                times = _fraction(exponent)
                if times is not None:
                    base = _absolute(base) if _is_even(times) else base
                    return Call("multiply", (exponent, _logarithm(base)))
    return Call("ln", (tree,))


def _absolute(tree: Tree) -> Tree:
    if is_never_negative(tree):
        return tree
    match tree:
        case Call("negative", (inner,)):
            return _absolute(inner)
        case Call("multiply" | "divide" as function, parts):
            return Call(function, tuple(map(_absolute, parts)))
        case Call("power", (base, exponent)):
            times = _fraction(exponent)
            if times is not None and times.denominator == 1:
                return Call("power", (_absolute(base), exponent))
    return Call("abs", (tree,))


def _inverse(tree: Tree) -> Tree:
    value = _fraction(tree)
    return Number(1 / value) if value else Call("divide", (Number(Fraction(1)), tree))


def _is_even(exponent: Fraction | None) -> bool:
    """Whether the power is that of the absolute value, too."""
    return exponent is not None and exponent.numerator % 2 == 0


def _fraction(tree: Tree) -> Fraction | None:
    """The number that a tree shows."""
    match tree:
        case Number(value):
            return value
        case Call("negative", (inner,)):
            positive = _fraction(inner)
            return None if positive is None else -positive
        case Call("divide", (one, other)):
            numerator, denominator = _fraction(one), _fraction(other)
            return numerator / denominator if numerator is not None and denominator else None
    return None
