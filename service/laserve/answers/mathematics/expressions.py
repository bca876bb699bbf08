"""The value of an expression where its variables have arbitrary values, and the key made of it.

Two expressions of one value have one key, whatever they look like: nothing has to find the way from
one to the other. Two of different values have different keys, but where they differ beyond the 60th
digit, or by chance: the variables' values are digests of their names, so it takes some 10^60
attempts. What has no value that can be told from others (1/0, a number of a million digits plus 1)
has a key of how it is written.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Row
from fractions import Fraction
from hashlib import sha256

from laserve.answers.mathematics.arithmetic import (
    CONTEXT,
    OutOfReachError,
    Value,
    add,
    digits,
    divide,
    is_positive,
    is_real,
    is_same,
    multiply,
    negative,
    number_key,
)
from laserve.answers.mathematics.functions import ANGULAR, FUNCTIONS
from laserve.answers.mathematics.tree import (
    INFINITY,
    Call,
    Number,
    Sequence,
    Symbol,
    Tree,
    is_unknown,
    spelled,
    walk,
)

POINTS = range(3)
"""At the first all variables are positive, at the second negative, at the third either."""

_CONSTANTS: Mapping[str, Value] = {
    "pi": CONTEXT.mpc(CONTEXT.pi),
    "e": CONTEXT.mpc(CONTEXT.e),
    "i": CONTEXT.mpc(0, 1),
}
_RADIANS = divide(_CONSTANTS["pi"], Fraction(180))
_SAMPLES = (Fraction(3, 7), Fraction(-5, 11), Fraction(13, 17), Fraction(29, 23))
"""Values of a variable in which a difference is to be linear."""


def expression_key(tree: Tree) -> str:
    """The key of an expression."""
    if tree == INFINITY:
        return "infinity"
    if tree == Call("negative", (INFINITY,)):
        return "-infinity"
    try:
        number = constant(tree)
        if number is not None:
            return number_key(number)
        return f"at({'|'.join(map(_digits, real_values(tree)))})"
    except OutOfReachError:
        return f"as({spelled(tree)})"


def constant(tree: Tree) -> Value | None:
    """The value that an expression has whatever its variables are; None where that depends. Raises
    OutOfReachError where it has none."""
    first, *others = _values(tree)
    return first if all(is_same(first, other) for other in others) else None


def real_values(tree: Tree) -> list[Value | None]:
    """The values of an expression at all POINTS.

    Those that are not real are None, but where all are: variables stand for real numbers, and so
    the root of 1/n is 1 by the root of n, which it is not for a negative n.
    """
    found = [value_at(tree, point) for point in POINTS]
    is_complex = not any(map(is_real, found))
    return [value if is_complex or is_real(value) else None for value in found]


def value_at(
    tree: Tree, point: int, given: Mapping[str, Value] | None = None, degree: Value = Fraction(1)
) -> Value:
    """The value of an expression at one of POINTS, with the values of variables in `given` instead.
    `degree` is what one degree counts.

    Raises OutOfReachError where it has none, or none that can be told from others.
    """
    match tree:
        case Number(value):
            return value
        case Symbol(name):
            return given[name] if given and name in given else _arbitrary(name, point)
        case Sequence("[", (inner,), "]"):
            return value_at(inner, point, given, degree)
        case Call("degree", (angle,)):
            return multiply(degree, value_at(angle, point, given, degree))
        case Call(name, ()) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case Call(name, arguments) if name in FUNCTIONS or is_unknown(tree):
            within = _RADIANS if name in ANGULAR else degree
            below = [value_at(argument, point, given, within) for argument in arguments]
            if is_unknown(tree):
                return _arbitrary(",".join([name, *map(digits, below)]), point)
            return FUNCTIONS[name](*below)
    raise OutOfReachError("no number")


def root_of(difference: Tree, name: str) -> tuple[Value, bool] | None:
    """The value of a variable at which a difference that is linear in it is zero, and whether it
    grows with it; None where it is not linear, or depends on something else.

    Raises OutOfReachError as `value_at`.
    """
    first, *others = [value_at(difference, 0, {name: sample}) for sample in _SAMPLES]
    slope, *slopes = [
        divide(add(value, negative(first)), sample - _SAMPLES[0])
        for sample, value in zip(_SAMPLES[1:], others, strict=True)
    ]
    elsewhere = value_at(difference, 1, {name: _SAMPLES[0]})
    is_linear = all(is_same(slope, other) for other in slopes) and is_same(first, elsewhere)
    if slope == 0 or not is_linear:
        return None
    return add(_SAMPLES[0], negative(divide(first, slope))), is_positive(slope)


def multiples(numbers: Iterable[Value | None]) -> Row[str] | None:
    """Numbers as multiples of the first that is not zero: the same for others in proportion. None
    where all are zero."""
    row = list(numbers)
    scale = next((number for number in row if number), None)
    if scale is None:
        return None
    one = divide(Fraction(1), scale)
    return [_digits(None if number is None else multiply(number, one)) for number in row]


def _values(tree: Tree) -> list[Value]:
    varies = any(isinstance(node, Symbol) or is_unknown(node) for node in walk(tree))
    return [value_at(tree, point) for point in (POINTS if varies else POINTS[:1])]


def _digits(value: Value | None) -> str:
    return "-" if value is None else digits(value)


def _arbitrary(name: str, point: int) -> Value:
    """Between 1.1 and 1.9: a high power is still within reach beside a low one."""
    digest = sha256(f"{point}:{name}".encode()).digest()
    size = CONTEXT.mpf(int.from_bytes(digest, "big")) / 2**256
    is_negative = point == 1 or (point == 2 and digest[0] % 2)
    value = CONTEXT.mpf(1.1) + CONTEXT.mpf(0.8) * size
    return CONTEXT.mpc(-value if is_negative else value)
