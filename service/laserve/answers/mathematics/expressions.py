"""The value of an expression where its variables have arbitrary values, and the key made of it.

Two expressions of one value have one key, whatever they look like: nothing has to find the way from
one to the other. Two of different values have different keys, but where they differ beyond the 60th
digit, or by chance: the variables' values are digests of their names, so it takes some 10^60
attempts. What has no value that can be told from others (1/0, a number of a million digits plus 1)
has a key of how it is written.

That holds for functions that are one everywhere where they are one somewhere. Nothing is computed
of others where their arguments vary: |x-3| is a digest of what it is made of, but for a factor. And
roots and logarithms, of which a region knows one branch only, are taken on another one, too: the
root of (x-3)^2 is neither x-3 nor 3-x.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256

from laserve.answers.mathematics.arithmetic import (
    CONTEXT,
    Inexact,
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
    power,
)
from laserve.answers.mathematics.branches import is_never_negative, plain, varies
from laserve.answers.mathematics.functions import ANGULAR, FUNCTIONS, INVERSE, PIECEWISE
from laserve.answers.mathematics.tree import (
    INFINITY,
    Call,
    Number,
    Sequence,
    Symbol,
    Tree,
    is_unknown,
    spelled,
)


@dataclass(frozen=True, slots=True)
class Point:
    """Where an expression is evaluated."""

    number: int
    """What the arbitrary values of variables are made of."""
    given: Mapping[str, Value] = field(default_factory=dict)
    """The values of other variables."""
    is_around: bool = False
    """Whether roots and logarithms are those behind a way once around zero."""


_BRANCH = Point(0, is_around=True)
POINTS = (Point(0), Point(1), Point(2), _BRANCH)
"""At the first all variables are positive, at the second negative, at the third either."""
_FAR = (Point(3), Point(4))
"""At the first all variables are about 15, at the second about -15."""

_CONSTANTS: Mapping[str, Value] = {
    "pi": CONTEXT.mpc(CONTEXT.pi),
    "e": CONTEXT.mpc(CONTEXT.e),
    "i": CONTEXT.mpc(0, 1),
}
_RADIANS = divide(_CONSTANTS["pi"], Fraction(180))
_TURN = multiply(_CONSTANTS["i"], 2 * _CONSTANTS["pi"])
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
    tree = plain(tree)
    first, *others = values_at(tree, POINTS if varies(tree) else POINTS[:1])
    return first if all(is_same(first, other) for other in others) else None


def real_values(tree: Tree) -> list[Value | None]:
    """The values of an expression at all POINTS, and further away where it has several branches.

    Those that are not real are None, but where all are, and on another branch: variables stand for
    real numbers, and so the root of 1/n is 1 by the root of n, which it is not for a negative n.
    """
    tree = plain(tree)
    *near, branch = values_at(tree, POINTS)
    is_complex = not any(map(is_real, near))
    # What has one branch only is known everywhere.
    far = () if is_same(branch, near[0]) else _FAR
    found = [*near, *(_value_within_reach(tree, point) for point in far)]
    real = [
        value if value is not None and (is_complex or is_real(value)) else None for value in found
    ]
    return [*real, branch]


def values_at(tree: Tree, points: Row[Point], degree: Value = Fraction(1)) -> list[Value]:
    """The values of an expression, which is `plain`. `degree` is what one degree counts.

    Raises OutOfReachError where it has none, or none that can be told from others.
    """
    match tree:
        case Number(value):
            return [value for _ in points]
        case Symbol(name):
            return [point.given.get(name) or _arbitrary(name, point.number) for point in points]
        case Sequence("[", (inner,), "]"):
            return values_at(inner, points, degree)
        case Call("degree", (angle,)):
            return [multiply(degree, value) for value in values_at(angle, points, degree)]
        case Call(name, ()) if name in _CONSTANTS:
            return [_CONSTANTS[name] for _ in points]
        case Call(name, arguments) if name in FUNCTIONS or is_unknown(tree):
            within = _RADIANS if name in ANGULAR else degree
            columns = [values_at(argument, points, within) for argument in arguments]
            return _applied(tree, columns, points)
    raise OutOfReachError("no number")


def _applied(tree: Call, columns: Row[Row[Value]], points: Row[Point]) -> list[Value]:
    name, rows = tree.function, list(zip(*columns, strict=True))
    if is_unknown(tree):
        pairs = zip(rows, points, strict=True)
        return [_arbitrary(_spelled(name, row), point.number) for row, point in pairs]
    if varies(tree):
        if name == "abs":
            return _absolute(columns[0])
        if name in PIECEWISE or name in INVERSE:
            return [_size(f"{place}:{_spelled(name, row)}") for place, row in enumerate(rows)]
    found = [FUNCTIONS[name](*row) for row in rows]
    if name not in ("power", "ln") or is_never_negative(base := tree.arguments[0]):
        return found
    if any(point.is_around for point in points) and varies(base):
        return [
            _around(value, row) if point.is_around else value
            for value, row, point in zip(found, rows, points, strict=True)
        ]
    return found


def _absolute(values: Row[Value]) -> list[Value]:
    """The same multiple of an arbitrary number for all multiples of the values."""
    scale = next((value for value in values if value), None)
    if scale is None:
        return list(values)
    name = _spelled("abs", [divide(value, scale) for value in values])
    size = FUNCTIONS["abs"](scale)
    return [multiply(size, _size(f"{place}:{name}")) for place in range(len(values))]


def _around(value: Value, row: Row[Value]) -> Value:
    """A logarithm, or a power of this base and exponent, behind a way around zero. Roots of odd
    degrees are real ones, and come back."""
    if len(row) == 1:
        return add(value, _TURN)
    exponent = row[1]
    if isinstance(exponent, Fraction) and exponent.denominator % 2:
        return value
    return multiply(value, power(_CONSTANTS["e"], multiply(_TURN, exponent)))


def root_of(difference: Tree, name: str) -> tuple[Value, bool] | None:
    """The value of a variable at which a difference that is linear in it is zero, and whether it
    grows with it; None where it is not linear, or depends on something else.

    Raises OutOfReachError as `values_at`.
    """
    points = [Point(0, {name: sample}) for sample in _SAMPLES]
    elsewhere = [Point(1, {name: _SAMPLES[0]}), Point(0, {name: _SAMPLES[0]}, is_around=True)]
    first, *values = values_at(plain(difference), [*points, *elsewhere])
    others, same = values[: len(_SAMPLES) - 1], values[len(_SAMPLES) - 1 :]
    slope, *slopes = [
        divide(add(value, negative(first)), sample - _SAMPLES[0])
        for sample, value in zip(_SAMPLES[1:], others, strict=True)
    ]
    is_linear = all(is_same(slope, other) for other in slopes)
    if slope == 0 or not is_linear or not all(is_same(first, value) for value in same):
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


def _digits(value: Value | None) -> str:
    return "-" if value is None else digits(value)


def _value_within_reach(tree: Tree, point: Point) -> Value | None:
    try:
        return values_at(tree, [point])[0]
    except OutOfReachError:
        return None


def _spelled(name: str, row: Iterable[Value]) -> str:
    below = map(digits, row)
    return ",".join([name, *(sorted(below) if name in ("max", "min") else below)])


def _arbitrary(name: str, point: int) -> Value:
    size = _size(f"{point}:{name}") * (1 if point < 3 else 10)
    is_negative = point in (1, 4) or (point == 2 and sha256(name.encode()).digest()[0] % 2)
    return -size if is_negative else size


def _size(name: str) -> Inexact:
    """Between 1.1 and 1.9: a high power is still within reach beside a low one."""
    share = CONTEXT.mpf(int.from_bytes(sha256(name.encode()).digest(), "big")) / 2**256
    return CONTEXT.mpc(CONTEXT.mpf(1.1) + CONTEXT.mpf(0.8) * share)
