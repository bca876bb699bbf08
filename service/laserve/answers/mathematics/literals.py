r"""Number literals, exactly: 1.50, 1,234, 1.2e-6, 0.\overline{3}, 101_2."""

import re
from fractions import Fraction

from laserve.answers.mathematics.tree import Call, Number, Tree, UnreadError

_REST = (
    r"(?P<point>\.(?P<decimals>\d*)"
    r"(?:\\(?:overline|bar|dot)\s*\{(?P<repeated>\d+)\}|(?P<bracket>\(\d+\)))?)?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,6})(?![\dA-Za-z]))?"
)
_ALONE = re.compile(rf"(?P<whole>\d+){_REST}")
# In front of another group it would be a list of which nobody knows where a number ends.
# Thousands; lakhs and crores.
_GROUPED = re.compile(
    r"(?P<whole>(?<!\d,)[1-9](?:\d{0,2}(?:,\d{3})+|\d?(?:,\d{2})+,\d{3})(?!,?\d)|\d+)" + _REST
)
_DECIMALS = re.compile(r"\.(?P<decimals>\d+)(?:[eE](?P<exponent>[-+]?\d{1,6})(?![\dA-Za-z]))?")
_BASES = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "sixteen": 16,
}
_BASE = rf"(?:\d\d?|{'|'.join(_BASES)})"
_BASED = re.compile(
    rf"(?P<digits>\d+(?:\.\d+)?)_(?:(?P<bare>\d\d?)(?!\d)|\{{\s*(?P<braced>{_BASE})\s*\}}|"
    rf"\{{\s*\\(?:text|mathrm)\s*\{{\s*(?P<text>{_BASE})\s*\}}\s*\}})"
)
_HEXADECIMAL = re.compile(
    r"(?:\\(?:text|mathrm)\s*\{\s*(?P<text>[\dA-F]+)\s*\}|(?P<digits>(?:\d|[A-F]{2})[\dA-F]*))"
    r"\s*_\s*(?:16(?!\d)|\{\s*16\s*\})"
)
_PREFIXED = re.compile(r"0(?:x[\da-f]+|b[01]+|o[0-7]+)(?!\w)", re.IGNORECASE)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def match_literal(text: str, place: int, is_in_brackets: bool) -> tuple[Tree, str] | None:
    """The number that begins at a place, and its text; None where none does.

    Outside of brackets a comma before three digits is no separator: "1,234", but "(1,234)" is a
    pair. A digit in brackets directly behind a point repeats: 0.(3) is 1/3.
    """
    if found := _PREFIXED.match(text, place):
        return Number(Fraction(int(found[0], 0))), found[0]
    if found := _HEXADECIMAL.match(text, place):
        return in_base(found["text"] or found["digits"], 16), found[0]
    if found := _BASED.match(text, place):
        base = found["bare"] or found["braced"] or found["text"]
        return in_base(found["digits"], _BASES.get(base) or int(base)), found[0]
    if found := (_ALONE if is_in_brackets else _GROUPED).match(text, place):
        return _number(found), found[0]
    if found := _DECIMALS.match(text, place):
        return _scaled(Fraction(f"0.{found['decimals']}"), found["exponent"]), found[0]
    return None


def in_base(digits: str, base: int) -> Number:
    """The number of these digits. Raises UnreadError where the base has no such digits."""
    value = 0
    if not 2 <= base <= len(_DIGITS):
        raise UnreadError(f"base {base}")
    whole, _, decimals = digits.lower().partition(".")
    for digit in whole + decimals:
        count = _DIGITS.find(digit)
        if not 0 <= count < base:
            raise UnreadError(f"{digit} in base {base}")
        value = value * base + count
    return Number(Fraction(value, base ** len(decimals)))


def _number(found: re.Match[str]) -> Tree:
    whole = found["whole"].replace(",", "")
    decimals = found["decimals"] or ""
    value = Fraction(f"{whole}.{decimals or 0}")
    repeated = found["repeated"] or (found["bracket"] or "").strip("()")
    if found["bracket"] and decimals:
        raise UnreadError("0.1(6) may be a product")
    if repeated:
        value += Fraction(int(repeated), (10 ** len(repeated) - 1) * 10 ** len(decimals))
    return _scaled(value, found["exponent"])


def _scaled(value: Fraction, exponent: str | None) -> Tree:
    if not exponent:
        return Number(value)
    # Not multiplied out: it may be too large for that.
    power = Call("power", (Number(Fraction(10)), Number(Fraction(int(exponent)))))
    return Call("multiply", (Number(value), power))
