"""Exact numbers in one way of writing them.

Worked out on digits as far as that goes: they may be more than Python makes an integer of.
"""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

_MAX_ZEROS = 64
"""Zeros written out before "1e65" is shorter."""
_MAX_DIGITS = 100
"""Of the parts of a fraction, and of a power that is worked out."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """`digits` * 10 ** `power`; the digits are ASCII, without zeros around, "" for zero."""

    digits: str
    power: int

    @classmethod
    def read(cls, whole: str, decimals: str = "", exponent: int = 0) -> "Decimal":
        """The digits in front of the decimal point, with anything that divides them into groups,
        those behind it, and a power of ten."""
        read = re.sub(r"\D", "", _ascii_digits(whole)) + (behind := _ascii_digits(decimals))
        digits = read.rstrip("0")
        power = exponent - len(behind) + len(read) - len(digits)
        return cls(digits.lstrip("0"), power)

    def __str__(self) -> str:
        """Without an exponent, unless it would take very many zeros."""
        digits, power = self.digits, self.power
        if not digits:
            return "0"
        if max(power, -power - len(digits)) > _MAX_ZEROS:
            return f"{digits}e{power}"
        if power >= 0:
            return digits + "0" * power
        padded = digits.rjust(1 - power, "0")
        return f"{padded[:power]}.{padded[power:]}"


Number = Decimal | Fraction


def as_fraction(number: Number) -> Fraction | None:
    """The same as a fraction; None where it has too many digits."""
    if isinstance(number, Fraction):
        return number
    if len(number.digits) + abs(number.power) > _MAX_DIGITS:
        return None
    return int(number.digits or 0) * Fraction(10) ** number.power


def written(number: Number) -> str:
    """As a decimal where it has an end, else in lowest terms: "1.5", "-1/3"."""
    if isinstance(number, Decimal):
        return str(number)
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest > 1:
        return f"{number.numerator}/{number.denominator}"
    places = max(twos, fives)
    digits = str(abs(number.numerator) * 10**places // number.denominator)
    sign = "-" if number < 0 else ""
    return f"{sign}{Decimal.read(digits, exponent=-places)}"


def raised(base: Number, exponent: int) -> Number | None:
    """``base ** exponent``; None where that has no value, or too many digits."""
    if isinstance(base, Decimal) and base.digits == "1":
        return Decimal("1", base.power * exponent)
    value = as_fraction(base)
    if value is None or (value == 0 and exponent <= 0):
        return None
    size = max(len(str(value.numerator)), len(str(value.denominator)))
    if size * abs(exponent) > _MAX_DIGITS:
        return None
    return value**exponent


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char, char)) for char in text)
