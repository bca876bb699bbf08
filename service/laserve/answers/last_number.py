r"""The last number of a text, in one way of writing it.

- "1,234.50", "1{,}234.5", `1\,234.5` and "+1234.5" are "1234.5"; "007" is "7", "-0.0" is "0".
- Thousands are divided by commas (1,00,000 too), by TeX's `{,}`, `,\!`, `\,` and `~`, by
  apostrophes, underscores and spaces that do not break. A comma or a plain space between other
  digits divides numbers: "3,5" is "5", "1 234" is "234". "1.234,50" and "1.234.567" are read as the
  one thing that they can be. Characters of full width are plain ones; a comma of full width divides
  thousands only between digits of full width.
- "15e2", "1.5×10^3", `1.5 \times 10^{ 3 }` and "1.5*10³" are "1500"; "2^10" is "1024", "2^3^2" is
  "512", "(-2)^3" is "-8" and "-2^2" is "-4". A power without a value ("2^n"), or with very many
  digits, is no number.
- "1/2", "1 ÷ 2", `\frac12`, `1 \over 2`, "½" are "0.5", "1 1/2" is "1.5", "2/6" is "1/3",
  "(1/2)^2" is "0.25".
- Percent signs, currencies and units are left off: "50 %" is "50", "-$3" and "-USD3" are "-3",
  "12 cm^2" is "12", "5 million" is "5".
- A minus is a sign where it touches the number, or stands behind "=", "≈" or "(", and nothing in
  front of it that could be subtracted from: "x = -2" and "x = - 2" are "-2", but "3-2", "x-2" and
  "(1)-2" end with "2".
- So ranges, dates and times end with their last part: "3-5" is "5", "2024-05-06" is "6", "10:30" is
  "30", "6.5.2024" and "5/6/2024" are "2024".
- No numbers are the digits of names ("x2", "H2O", "COVID-19", "v1.2"), indices (`x_1`), exponents
  ("x^2") and the numbers of a list's items ("1. first", then "2. second").
- Of other expressions, it is the last number that stands in them: `\sqrt{2}` is "2".
"""

import re
import unicodedata
from collections import deque
from fractions import Fraction

from laserve.answers.currencies import CODES
from laserve.answers.numeral import Decimal, Number, as_fraction, raised, written

_MAX_EXPONENT_DIGITS = 6
_MAX_TOWER = 20
"""Of the exponent of an exponent."""
_CANDIDATES = 100
"""Of the numbers of a text, the last that may be what is looked for."""

_SIGNS = "-−–﹣－‑+"
_SLASHES = "/⁄∕÷"
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_FROM_SUPERSCRIPT = str.maketrans(_SUPERSCRIPTS, "0123456789-+")
_FROM_FULL_WIDTH = {ord(wide): ord(wide) - 0xFEE0 for wide in "０１２３４５６７８９．／（）＊＾"}
_WIDE_COMMA = re.compile(r"(?<=[０-９])，(?=[０-９])")
_CURRENCIES = rf"(?:{'|'.join(sorted(CODES))}|US|Rs\.?)"
_SPACE = r"(?:[^\S\n]|\\[ ,;:!]|~)*+"
_FIXED_SPACES = "\u00a0\u2007-\u2009\u202f"
_BRACES = r"\{(?:[^{}]++|\{[^{}]*+\})*+\}"
_WHOLE = (
    # Thousands; lakhs and crores; any digits. Possessive (`++`): a long run of them is tried once.
    r"(?:\d{1,3}(?:(?:(?:,|\{\\?,\})(?:\\!)*+|(?:\\[ ,;:!])++"
    rf"|['’_~٬{_FIXED_SPACES}])\d{{3}})+(?!\d)"
    r"|\d{1,2}(?:,\d{2}){1,6},\d{3}(?!\d)"
    r"|\d++)"
)
_SIGNED = rf"{_SPACE}[{_SIGNS}]?{_SPACE}\d++{_SPACE}"
_EXPONENT = (
    rf"(?:(?:[{_SIGNS}]?\d++|\{{{_SIGNED}\}})(?:[ ]?\^[ ]?|\*\*)){{0,2}}"  # of a power of a power
    rf"(?:\{{{_SIGNED}(?:\^(?:\d++|\{{{_SIGNED}\}}))?\}}|\({_SIGNED}\)|[{_SIGNS}]?\d++)"
    r"(?!\.\d|\^|\*\*\d)"
)
_PART = rf"\s*[{_SIGNS}]?\s*(?:{_WHOLE}(?:\.\d++)?|\.\d++)\s*"
_TEX_FRACTION = (
    r"\\(?:[dtcxs]|nice)?frac\s*"
    rf"(?:\{{{_PART}\}}\s*\{{{_PART}\}}|\d\s*\d|\d\s*\{{{_PART}\}}|\{{{_PART}\}}\s*\d)"
)
_FRACTION = rf"(?:{_TEX_FRACTION}|[¼½¾⅐-⅞]|[⁰¹²³⁴-⁹]++⁄[₀-₉]++)"
_BAR = rf"(?:[ ]?[{_SLASHES}][ ]?|\}}?{_SPACE}\\(?:over|div)(?![A-Za-z]){_SPACE}\{{?)"
_GROUP = (
    rf"(?<![A-Za-z\d_^)\]}}])(?:\\left[ ]?)?[({{]"
    rf"(?:{_SPACE}[{_SIGNS}]?{_SPACE}{_FRACTION}{_SPACE}|{_PART}(?:{_BAR}{_PART})?)"
    r"(?:\\right[ ]?)?[)}]"
)

_TOKEN = re.compile(
    rf"""
    ^[^\S\n]*+ (?:[-*+>•][^\S\n]++)? (?:\*\*)? (?P<item>\d{{1,3}}) [.)] (?=(?:\*\*)?[^\S\n]++\S)

    # Of an index, an exponent of no number, another base, "5x10", a name, a command of TeX.
    | (?<=[A-Za-z\d)}}\]]) _ (?:{_BRACES} | \d++)
    | \^ {_SPACE} (?:{_BRACES} | [{_SIGNS}]? \d++ (?:\.\d++)?)
    | 0[xX][\dA-Fa-f]++
    | (?<=\d) [xX] (?=\d)

    | (?P<number>
        (?P<minus> (?<![A-Za-z\d_)\]}}%°€£²³])[{_SIGNS[:-1]}]
            | (?:(?<=[=≈(])|(?<=[=≈(][ ]))[{_SIGNS[:-1]}][ ](?=\\?[$€£¥]?[\d.\\]) )?
        (?: (?<![A-Za-z]) {_CURRENCIES}[ ]?(?=\\?[$€£¥]?\d) )?
        (?: (?<!\d)(?<!\d[ ]) \\?[$€£¥₠-⃏] (?P<behind>[{_SIGNS[:-1]}]) (?=\d) | \\?[$€£¥₠-⃏] )?
        (?:
            (?P<fraction>{_FRACTION})
            | (?:
                (?P<group>{_GROUP})
                | (?P<dotted>\d{{1,3}}(?:[.{_FIXED_SPACES}]\d{{3}})+) , (?P<cents>\d{{1,2}}) (?!\d)
                | (?P<dots>\d{{1,3}}(?:\.\d{{3}}){{2,}}) (?![.,]?\d)
                | \d++ (?:\.\d++)+ \. (?P<last>\d++)
                | (?P<whole>{_WHOLE}) (?: (?:[.٫]|\{{,\}}) (?P<decimals>\d++) )?
                | (?<![\w.]) \. (?P<only_decimals>\d++)
            )
            (?: [eE] (?P<e>[{_SIGNS}]?\d++) (?![A-Za-z]*+\d) )?
            (?:
                {_SPACE} (?:[×✕⋅·∙*xX]|\\(?:times|cdot|ast)(?![A-Za-z])) {_SPACE} \{{?10\}}?
                    (?: {_SPACE} (?:\^|\*\*) {_SPACE} (?P<ten>{_EXPONENT})
                        | (?P<super_ten>[{_SUPERSCRIPTS}]++) )
                | (?:[ ]? \^ | \*\*(?=[{_SIGNS}]?\d)) {_SPACE} (?P<power>{_EXPONENT})
                | (?P<super_power>[{_SUPERSCRIPTS}]++) (?!⁄[₀-₉])
                # Degrees and ordinals are left off.
                | (?P<valueless> [ ]? \^ (?! {_SPACE} \{{? {_SPACE}
                    (?: \\(?:circ|degree|prime|text|mathrm|rm) | st\b|nd\b|rd\b|th\b|['′*] ))
                    {_SPACE} (?:{_BRACES} | \\?\w++)? )
            )?
            (?:
                {_BAR} (?P<over>{_WHOLE}(?:\.\d++)?) (?![ ]?[{_SLASHES}^][ ]?\d)
                | (?P<mixed> (?:[ \u00a0~]|\\[ ,;:!])? {_FRACTION}
                    | [ \u00a0] \d{{1,9}} [{_SLASHES}] \d{{1,9}} (?![\d{_SLASHES}^.]) )
            )?
        )
    )

    | [A-Za-z]++ (?=\d{{1,3}}(?:,\d{{3}})+(?!\d))
    | [A-Z][A-Za-z]++ [-‑] \d[A-Za-z\d]*+
    | [A-Za-z]++ (?: \d[A-Za-z\d]*+ (?:\.\d++)*+ )?
    | \\[A-Za-z]++
    """,
    re.VERBOSE | re.MULTILINE,
)
_UNSIGNED = re.compile(rf"(?P<whole>{_WHOLE})(?:\.(?P<decimals>\d++))?|\.(?P<only>\d++)")
_TWO_DIGITS = re.compile(r"frac\s*(\d)\s*(\d)")
_VULGAR = re.compile("[¹²³⁰-₉¼½¾⅐-⅞]+")
_SIGNED_WHOLE = re.compile(rf"([{_SIGNS[:-1]}]?)[^{_SIGNS[:-1]}\d]*(\d+)")


def last_number(text: str) -> str | None:
    """The last number, as the module describes; None where there is none."""
    candidates: deque[re.Match[str]] = deque(maxlen=_CANDIDATES)
    items = 0
    plain = _WIDE_COMMA.sub(",", text).translate(_FROM_FULL_WIDTH)
    for token in _TOKEN.finditer(plain):
        if token["item"] and int(token["item"]) in (1, items + 1):
            items = int(token["item"])
        elif token["item"] or token["number"]:
            candidates.append(token)
    return next((number for token in reversed(candidates) if (number := _read(token))), None)


def _read(token: re.Match[str]) -> str | None:
    """The number of a token; None where it has no value, or too many digits for one."""
    value = Decimal.read(token["item"]) if token["item"] else _value(token)
    if value is None:
        return None
    number = written(value)
    if number == "0" or not (token["minus"] or token["behind"]):
        return number
    return number[1:] if number.startswith("-") else f"-{number}"


def _value(token: re.Match[str]) -> Number | None:
    if token["fraction"]:
        return _fraction(token["fraction"])
    base = _base(token)
    if base is None:
        return None
    if token["over"]:
        return _quotient(base, token)
    if token["mixed"]:
        # "(1) 1/2" is an item, or a product.
        return _fraction(token["mixed"]) if token["group"] else _mixed(base, token["mixed"])
    return base


def _base(token: re.Match[str]) -> Number | None:
    """What stands in front of a fraction's bar, or of a fraction."""
    exponents = [_exponent(token[name]) for name in ("e", "ten", "super_ten")]
    power = _exponent(token["power"] or token["super_power"] or "1")
    if token["valueless"] or power is None or None in exponents:
        return None
    ten = sum(filter(None, exponents))
    base: Number | None
    if token["group"]:
        factor, value = as_fraction(Decimal("1", ten)), _fraction(token["group"])
        base = None if factor is None or value is None else factor * value
    else:
        whole = token["dotted"] or token["dots"] or token["last"] or token["whole"] or ""
        decimals = token["cents"] or token["decimals"] or token["only_decimals"] or ""
        base = Decimal.read(whole, decimals, ten)
    return base if power == 1 or base is None else raised(base, power)


def _quotient(dividend: Number, token: re.Match[str]) -> Number:
    """The last part where it is no fraction: "5/6/2024"."""
    divisor = Decimal.read(*token["over"].split("."))
    over, under = as_fraction(dividend), as_fraction(divisor)
    before = token.string[max(token.start() - 2, 0) : token.start()].rstrip()
    is_fraction = under and over is not None and not before.endswith(tuple(_SLASHES))
    return over / under if is_fraction and over is not None and under else divisor


def _mixed(whole: Number, text: str) -> Number | None:
    """ "1 1/2" is 3/2; "2 3/2" are two numbers."""
    part, number = _fraction(text), as_fraction(whole)
    if part is None or number is None or number.denominator > 1 or not 0 < part < 1:
        return part
    return number + part


def _fraction(text: str) -> Fraction | None:
    r"""The value of "½", "1/2", `\frac12`, `\frac{-1}{2}`, "(-2)"; None where there is none, or of
    too many digits."""
    if digits := _TWO_DIGITS.search(text):
        values = [as_fraction(Decimal.read(digit)) for digit in digits.groups()]
    else:
        plain = _VULGAR.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
        values = [
            as_fraction(Decimal.read(part["whole"] or "", part["decimals"] or part["only"] or ""))
            for part in _UNSIGNED.finditer(plain)
        ]
    above, below = values if len(values) == 2 else (values[0], Fraction(1))
    if above is None or not below:
        return None
    minuses = len(re.findall(rf"[{_SIGNS[:-1]}]", text))
    return -above / below if minuses % 2 else above / below


def _exponent(text: str | None) -> int | None:
    """0 where there is none, a power of powers from its top; None where it has too many digits, or
    is no whole number."""
    if text is None:
        return 0
    value = 1
    for sign, digits in reversed(_SIGNED_WHOLE.findall(text.translate(_FROM_SUPERSCRIPT))):
        if len(digits) > _MAX_EXPONENT_DIGITS or not 0 <= value <= _MAX_TOWER:
            return None
        value = int(digits) ** value * (-1 if sign else 1)
    return value if abs(value) < 10**_MAX_EXPONENT_DIGITS else None
