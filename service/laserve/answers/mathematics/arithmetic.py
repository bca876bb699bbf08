"""Numbers: exact fractions while that is possible, else 180 digits.

Every operation is bounded: in time by the sizes below, and in what it may lose. A sum that would
lose one of its terms, an exact number that would be rounded noticeably, a value that is not defined
or beyond all bounds raise OutOfReachError: a number is never wrong without a word.

Not for several threads: mpmath's contexts change while they compute.
"""

import math
from fractions import Fraction
from typing import Any, TypeAlias

import mpmath

DIGITS = 180
"""Decimal digits that are computed with."""
KEY_DIGITS = 60
"""Digits that a key holds."""
MAX_BITS = 1 << 16
"""Of the numerator and denominator of an exact number."""

Inexact: TypeAlias = Any
"""A complex number of `CONTEXT`."""
Value: TypeAlias = Fraction | Inexact

CONTEXT = mpmath.MPContext()
CONTEXT.dps = DIGITS

_LEAST = CONTEXT.mpf(10) ** -100
"""What is smaller than this beside what it was computed from is rounding."""
_MAX_EXACT = 10**55
"""Fractions of smaller terms differ within `KEY_DIGITS`."""
_MAX_SMALL = 10**30
"""Fractions of smaller terms are told from other numbers."""
_MAX_LOG2 = 1 << 40
"""Of a number."""
_TURN = CONTEXT.mpf(0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251) / 2**191
"""Before it is rounded, a key's number is multiplied by this one, which no answer has to do with:
so that none lies on the border between two roundings, as 0.5 would."""


class OutOfReachError(ArithmeticError):
    """A value that is not defined, or cannot be told from others."""


def inexact(value: Value) -> Inexact:
    """The value as a complex number."""
    if not isinstance(value, Fraction):
        return value
    if abs(value.numerator) * value.denominator >= _MAX_EXACT:
        raise OutOfReachError("too many digits")
    return CONTEXT.mpc(value.numerator) / value.denominator


def exact(value: Fraction) -> Fraction:
    """The value, where it is not too large to go on with."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise OutOfReachError("too many digits")
    return value


def add(one: Value, other: Value) -> Value:
    """The sum."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return exact(one + other)
    a, b = inexact(one), inexact(other)
    return CONTEXT.mpc(_sum(a.real, b.real), _sum(a.imag, b.imag))


def multiply(one: Value, other: Value) -> Value:
    """The product."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return exact(one * other)
    if 0 in (one, other):
        return Fraction(0)
    return tidy(inexact(one) * inexact(other))


def divide(one: Value, other: Value) -> Value:
    """The quotient."""
    if other == 0:
        raise OutOfReachError("division by zero")
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return exact(one / other)
    return multiply(one, 1 / inexact(other))


def negative(value: Value) -> Value:
    """The number of the other sign."""
    return -value


def power(base: Value, exponent: Value) -> Value:
    """The principal power; the real one of a negative number, where the exponent is a fraction of
    an odd denominator: (-8)^(1/3) is -2."""
    if base == 0:
        return _power_of_zero(exponent)
    if isinstance(exponent, Fraction):
        return _fractional_power(base, exponent)
    return _general_power(base, exponent)


def tidy(value: Inexact) -> Inexact:
    """Without a real or imaginary part that is but rounding."""
    real, imag = abs(value.real), abs(value.imag)
    if real < _LEAST * imag:
        return CONTEXT.mpc(0, value.imag)
    return CONTEXT.mpc(value.real, 0) if imag < _LEAST * real else value


def result(value: Inexact, argument: Inexact) -> Inexact:
    """What a function gives for an argument, without rounding: a zero of it is met exactly."""
    value = tidy(CONTEXT.mpc(value))
    if not (CONTEXT.isfinite(value.real) and CONTEXT.isfinite(value.imag)):
        raise OutOfReachError("not finite")
    if abs(value) < _LEAST and abs(argument) > _LEAST**0.5:
        return CONTEXT.mpc(0)
    return value


def real(value: Value) -> Value:
    """The value, which must be real: a fraction or a real number of `CONTEXT`."""
    if not is_real(value):
        raise OutOfReachError("not real")
    return value if isinstance(value, Fraction) else value.real


def is_real(value: Value) -> bool:
    """Whether a number has no imaginary part."""
    return isinstance(value, Fraction) or bool(value.imag == 0)


def is_positive(value: Value) -> bool:
    """Whether a number is above zero, which must be real."""
    return bool(real(value) > 0)


def near_integer(value: Value) -> int | None:
    """The integer that a value is, but for rounding."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else None
    if value.imag != 0 or abs(value.real) > _MAX_EXACT:
        return None
    nearest = int(CONTEXT.nint(value.real))
    return nearest if abs(value.real - nearest) <= _LEAST * max(1, abs(nearest)) else None


def is_same(one: Value, other: Value) -> bool:
    """Whether two values are one number, but for rounding."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    a, b = inexact(one), inexact(other)
    return bool(abs(a - b) <= _LEAST * max(abs(a), abs(b)))


def is_near(one: Value, other: Value, tolerance: Fraction) -> bool:
    """Whether two values differ by no more than this share of the larger one."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return abs(one - other) <= tolerance * max(abs(one), abs(other))
    a, b = inexact(one), inexact(other)
    return bool(abs(a - b) <= inexact(tolerance).real * max(abs(a), abs(b)))


def number_key(value: Value) -> str:
    """The number as text: a fraction of its lowest terms, or its first 60 digits (times a
    constant). Other numbers of the same digits have the same key; a value that is a fraction of
    small terms in another spelling, sqrt(4) or sin(30°), has the fraction's."""
    if isinstance(value, Fraction):
        numerator, denominator = value.numerator, value.denominator
        # In hexadecimal, as Python makes no decimals of very long integers.
        return f"{numerator:x}" if denominator == 1 else f"{numerator:x}/{denominator:x}"
    if value.imag == 0:
        return _real_key(value.real)
    return f"{_real_key(value.real)},{_real_key(value.imag)}i"


def digits(value: Value) -> str:
    """The digits of a number as of `number_key`, of fractions too."""
    if value == 0:
        return "0"
    value = inexact(value)
    parts = (CONTEXT.nstr(part * _TURN, KEY_DIGITS) for part in (value.real, value.imag))
    return ",".join("0" if part == "0.0" else part for part in parts)


def _real_key(value: Any) -> str:
    small = _small_fraction(value)
    return number_key(small) if small is not None else CONTEXT.nstr(value * _TURN, KEY_DIGITS)


def _small_fraction(value: Any) -> Fraction | None:
    """The fraction of small terms that a real number is."""
    if value == 0:
        return Fraction(0)
    if not 1 / CONTEXT.mpf(_MAX_SMALL) < abs(value) < _MAX_SMALL:
        return None
    # Continued fraction.
    numerators, denominators, rest = (0, 1), (1, 0), value
    while True:
        whole = int(CONTEXT.floor(rest))
        numerators = numerators[1], whole * numerators[1] + numerators[0]
        denominators = denominators[1], whole * denominators[1] + denominators[0]
        if abs(numerators[1]) * denominators[1] > _MAX_SMALL:
            return None
        if abs(numerators[1] - value * denominators[1]) <= _LEAST * abs(numerators[1]):
            return Fraction(numerators[1], denominators[1])
        rest = 1 / (rest - whole)


def _sum(one: Any, other: Any) -> Any:
    small, large = sorted((abs(one), abs(other)))
    if 0 < small < _LEAST * large:
        raise OutOfReachError("a term is lost")
    total = one + other
    return total if abs(total) >= _LEAST * large else CONTEXT.zero


def _power_of_zero(exponent: Value) -> Value:
    if exponent == 0:
        return Fraction(1)
    if real(exponent) > 0:
        return Fraction(0)
    raise OutOfReachError("division by zero")


def _fractional_power(base: Value, exponent: Fraction) -> Value:
    root = exponent.denominator
    if isinstance(base, Fraction):
        if (of_base := _exact_root(base, root)) is not None:
            return _whole_power(of_base, exponent.numerator)
    elif root == 1:
        return _general_power(base, exponent)
    if root % 2 and inexact(base).imag == 0 and inexact(base).real < 0:
        size = _general_power(-base, exponent)
        return -size if exponent.numerator % 2 else size
    return _general_power(base, exponent)


def _whole_power(base: Fraction, exponent: int) -> Value:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) <= MAX_BITS or abs(base) == 1:
        return base**exponent if abs(base) != 1 else base ** (exponent % 2)
    return _general_power(base, Fraction(exponent))


def _general_power(base: Value, exponent: Value) -> Value:
    number, times = inexact(base), inexact(exponent)
    logarithm = CONTEXT.log(number)
    if abs(logarithm) * abs(times) > _MAX_LOG2:
        raise OutOfReachError("too large")
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        return tidy(number**exponent.numerator)
    return tidy(CONTEXT.exp(logarithm * times))


def _exact_root(value: Fraction, root: int) -> Fraction | None:
    if root == 1:
        return value
    if value < 0:
        if root % 2 == 0:
            return None
        below = _exact_root(-value, root)
        return None if below is None else -below
    numerator = _whole_root(value.numerator, root)
    denominator = _whole_root(value.denominator, root)
    return None if numerator is None or denominator is None else Fraction(numerator, denominator)


def _whole_root(value: int, root: int) -> int | None:
    if root == 2:
        found = math.isqrt(value)
    elif root > value.bit_length():
        found = 1
    elif value < _MAX_EXACT:
        found = int(CONTEXT.nint(CONTEXT.root(value, root)))
    else:
        return None
    return found if found**root == value else None
