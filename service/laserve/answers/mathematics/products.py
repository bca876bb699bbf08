r"""Products: what stands between two factors, and where their order may count."""

from collections.abc import Iterator
from fractions import Fraction

from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import Call, Number, Sequence, Symbol, Tree, UnreadError, walk

_ARROWS = ("\\vec ", "\\overrightarrow ", "\\hat ", "\\widehat ")
_MINUS_ONE = Call("negative", (Number(Fraction(1)),))


def times(left: Tree, sign: Token, right: Tree) -> Tree:
    r"""A product. Of vectors and sets `\times` and `\cdot` are two; between two names `\times` may
    be that of vectors, or say how large a matrix is."""
    if sign.text == "times" and all(map(_may_be_vector, (left, right))):
        raise UnreadError("a product of vectors or sets")
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        raise UnreadError("a product of vectors or sets")
    return Call("multiply", (left, right))


def beside(left: Tree, right: Tree, are_bare: bool) -> Tree:
    r"""Nothing between two factors is a product, but in `1\frac12`, where both `are_bare`, without
    brackets."""
    match left, right:
        case Number(whole), Call("divide", (Number(numerator), Number(denominator))) if are_bare:
            if whole.denominator == 1 and 0 < numerator < denominator:
                return Call("add", (left, right))
        case Number(), Call("percent" | "degree" as unit, (Call("divide") as part,)) if are_bare:
            return Call(unit, (beside(left, part, are_bare),))
    return Call("multiply", (left, right))


def divided(left: Tree, right: Tree) -> Tree:
    r"""A quotient; a percent sign behind that of two numbers is one of both: 1/2% is half of 1%."""
    match left, right:
        case Number(), Call("percent" | "degree" as unit, (Number() as denominator,)):
            return Call(unit, (Call("divide", (left, denominator)),))
    return Call("divide", (left, right))


def check_order(tree: Tree) -> None:
    """Raises UnreadError for a product of matrices, as far as it shows: P D P^{-1} is not D."""
    for node in walk(tree):
        if isinstance(node, Call) and node.function == "multiply":
            factors = list(_factors(node))
            names = {factor.name for factor in factors if isinstance(factor, Symbol)}
            for factor in factors:
                match factor:
                    case Call("power", (Symbol(name), exponent)) if exponent == _MINUS_ONE:
                        if name in names or (name.isupper() and any(map(str.isupper, names))):
                            raise UnreadError("a product whose order may count")


def _factors(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Call("multiply", parts):
            for part in parts:
                yield from _factors(part)
        case _:
            yield tree


def _may_be_vector(tree: Tree) -> bool:
    if isinstance(tree, Symbol):
        return not tree.is_unit
    has_arrow = any(
        isinstance(node, Symbol) and node.name.startswith(_ARROWS) for node in walk(tree)
    )
    return has_arrow or isinstance(tree, Sequence)
