r"""What is written in more ways than one: `1.2x10^-5`, `3 to 4`, `(mod 7)`, `FF_{16}`."""

import math
import re

_TENS = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*(?:\^|\*\*))")
_COLON = re.compile(r"\{\s*:\s*\}")
_TO = re.compile(r"(?<![\d.])(\d+)\s*-?\s*(?:\\text\s*\{\s*to\s*\}|to)\s*-?\s*(\d+)(?![\d.])")
_BACKSLASH = re.compile(r"(?<=[A-Z]\})\s*\\\s+(?=\\?\{)")
_MEASURE_OF_ANGLE = re.compile(r"(?<![A-Za-z\\])m\s*(?=\\(?:measured)?angle)")
_MODULUS = re.compile(
    r"\(\s*(?:\\p?b?mod\b|\\(?:text|mathrm)\s*\{\s*mod\s*\}|mod\b)\s*(?P<inner>[^()]+)\)"
)
_MODULO = re.compile(r"\\[pb]?mod\b|\\(?:text|mathrm)\s*\{\s*mod\s*\}|\bmod\b")
_BESIDE = re.compile(
    r"(?:(?<=[\d)])|(?<=\d\}))(?:\s|\\q?quad(?![A-Za-z])|\\[ ,;:])+"
    r"(?=[A-Za-z](?:_(?:\w|\{\w+\}))?\s*=(?!=))"
)
_EMPTY = re.compile(r"\{\s*\}")
_BASE = re.compile(
    r"(?:\\(?:text|mathrm)\s*\{\s*(?P<text>[\dA-Z]+)\s*\}|(?P<digits>[\dA-Z]{2,}|[A-F]|[\da-f]{2,}(?=.*16)))"
    r"\s*_\s*\{?\s*(?P<base>\d\d)\s*\}?"
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def spell_shorthand(text: str) -> str:
    """The text in the ways of writing that the reader knows."""
    if _EMPTY.fullmatch(text):
        return "\\emptyset "
    if number := _in_base(text):
        return number
    text = _COLON.sub(":", _TENS.sub(r" \\times ", text))
    text = _TO.sub(_ratio, text)
    text = _MEASURE_OF_ANGLE.sub("", _BACKSLASH.sub(r"\\setminus ", text))
    text = _MODULUS.sub(lambda found: rf"\pmod {{{found['inner']}}}", text)
    if "\\equiv" in text:
        text = _MODULO.sub(r"\\pmod ", text)
    # "x=1 y=2" is a list, "2x y=1" none.
    first, equals, others = text.partition("=")
    return first + equals + _BESIDE.sub(", ", others)


def _in_base(text: str) -> str | None:
    """The number that all of the text is, where digits are letters; A_{16} is 10."""
    found = _BASE.fullmatch(text)
    if found is None:
        return None
    digits, base = (found["text"] or found["digits"]).lower(), int(found["base"])
    is_number = 10 < base <= len(_DIGITS) and all(_DIGITS.index(digit) < base for digit in digits)
    is_short = len(digits) == 1 and base != 16
    return str(int(digits, base)) if is_number and not is_short and not digits.isdecimal() else None


def _ratio(found: re.Match[str]) -> str:
    """A ratio, where it cannot be a range: 5 to 10 may be."""
    one, other = int(found[1]), int(found[2])
    return f"{one}:{other}" if one > other or math.gcd(one, other) == 1 else found[0]
