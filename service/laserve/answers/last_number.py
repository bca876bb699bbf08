"""The last number of a text, in one way of writing it.

- "1,234.50", "1{,}234.5" and "+1234.5" are "1234.5"; "007" is "7", "-0.0" is "0", "15e2" is "1500".
- Percent signs, currencies and units are left off: "50 %" is "50", "-$3" is "-3", "12kg" is "12".
- A minus is a sign where it touches the number and nothing in front of it that could be subtracted
  from: "x = -2" is "-2", but "3-2", "x-2" and "(1)-2" end with "2".
- So ranges, dates, times and fractions end with their last part: "3-5" is "5", "2024-05-06" is "6",
  "10:30" is "30", "1/2" is "2". Where these are the answers, `regex` or `boxed` is the better way.
- Commas not in groups of three and white space divide numbers: "3,5" is "5", "1 234" is "234".
- Digits directly behind a letter or an underscore are a name's: "x2", "H2O", "v1".
- A power of ten with more than six digits is no number.
"""

import re
import unicodedata

_NUMBER = re.compile(
    r"(?:(?<![A-Za-z\d_)\]}%])(?P<minus>[-−]))?"
    r"(?:\\?[$€£¥])?"
    r"(?<![A-Za-z\d_])"
    r"(?P<number>"
    # Possessive (`++`): a long run of digits is tried once.
    r"(?P<whole>\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|\d++)(?:\.(?P<decimals>\d++))?"
    r"|(?<!\.)\.(?P<only_decimals>\d++)"
    r")"
    r"(?:[eE](?P<exponent>[-+]?\d++))?"
)

_MAX_EXPONENT_DIGITS = 6
_MAX_ZEROS = 64
"""Zeros written out before "1e65" is shorter."""


def last_number(text: str) -> str | None:
    """The last number, as the module describes; None where there is none."""
    last = None
    for match in _NUMBER.finditer(text):
        if len((match["exponent"] or "").lstrip("+-")) <= _MAX_EXPONENT_DIGITS:
            last = match
    return None if last is None else _canonical(last)


def _canonical(match: re.Match[str]) -> str:
    """Worked out on the digits: they may be more than Python makes an integer of."""
    whole = re.sub(r"\D", "", _ascii_digits(match["whole"] or ""))
    decimals = _ascii_digits(match["decimals"] or match["only_decimals"] or "").rstrip("0")
    digits = (whole + decimals).lstrip("0")
    power = int(match["exponent"] or 0) - len(decimals)
    stripped = digits.rstrip("0")
    power += len(digits) - len(stripped)
    if not stripped:
        return "0"
    if max(power, -power - len(stripped)) > _MAX_ZEROS:
        number = f"{stripped}e{power}"
    elif power >= 0:
        number = stripped + "0" * power
    else:
        padded = stripped.rjust(1 - power, "0")
        number = f"{padded[:power]}.{padded[power:]}"
    return f"-{number}" if match["minus"] else number


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char, char)) for char in text)
