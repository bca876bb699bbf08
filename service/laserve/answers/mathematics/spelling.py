r"""An answer in LaTeX's ASCII: characters as commands, without layout, numbers without separators.

"10⁻⁶ × ½" is "10^{-6} \times  \frac{1}{2}", `12\,000` and `12{,}000` are "12000".
"""

import re
import unicodedata

from laserve.answers.mathematics.measures import spell_measures
from laserve.answers.mathematics.shorthand import spell_shorthand

_CHARACTERS = {
    **dict.fromkeys("−–—‐‑‒", "-"),
    **dict.fromkeys("×✕✖⨯", r"\times "),
    **dict.fromkeys("·⋅∙∗", "*"),
    "÷": "/",
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("≤⩽≦", "<="),
    **dict.fromkeys("≥⩾≧", ">="),
    "≠": "!=",
    "≈": r"\approx ",
    "≡": r"\equiv ",
    "∞": r"\infty ",
    "√": r"\sqrt ",
    "∛": r"\sqrt[3]",
    "∜": r"\sqrt[4]",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∖": r"\setminus ",
    "∈": r"\in ",
    "∉": r"\notin ",
    "⊂": r"\subset ",
    "∅": r"\emptyset ",
    "±": r"\pm ",
    "∓": r"\mp ",
    **dict.fromkeys("°º˚", r"\degree "),
    **dict.fromkeys("′’ʹ", "'"),
    "″": "''",
    "∠": r"\angle ",
    "△": r"\triangle ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "∣": "|",
    "∶": ":",
    "‰": "/1000 ",
    "∧": r"\land ",
    "∨": r"\lor ",
    "¢": "%",
    **{letter: rf"\mathbb{{{plain}}}" for letter, plain in zip("ℝℤℕℚℂℙℍ", "RZNQCPH", strict=True)},
}
_MICRO = re.compile(r"μ(?=[msgLlACFVW]\b)")
_MICRO_IN_LATEX = re.compile(
    r"(?<=\d)((?:\s|~|\\[,;: ])*)\\mu\s*(\\(?:text|mathrm)\s*\{|)\s*(?=[msgL]\b)"
)
_SUPERSCRIPTS = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]+")
_SUBSCRIPTS = re.compile(r"[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙᵢ]+")
_LAYOUT = re.compile(
    r"\\(?:left|right)\s*\.|"
    r"(?<!\\)\\(?:left|right|[bB]igg?[lrm]?|middle|displaystyle|textstyle|limits|nolimits|quad|qquad|"
    r"tiny|small|normalsize|large|Large|LARGE|huge|Huge|"
    r"hspace\s*\{[^{}]*\}|hfill|phantom\s*\{[^{}]*\})(?![A-Za-z])|"
    r"(?<!\\)\\[,;:> ]|~"
)
_SEPARATOR = r"(?:\{,\}|,\\!\s*|\\[,;:!> ]|\{\\[,;:]\}|[ ~'_])"
_GROUPED = re.compile(
    rf"(?<![\d.^_])\d{{1,3}}(?:{_SEPARATOR}\d{{3}})+(?!\d|\s*/)"
    # In the Indian way, where it cannot be a list.
    r"|(?<![\d.^_])\d{1,2}(?:(?:\{,\}|,\\!)\d{2})+(?:\{,\}|,\\!)\d{3}(?!\d)"
)
_DIGIT = r"\s*(?:\{\s*(\d)\s*\}|(\d))"
_REPEATED: tuple[tuple[re.Pattern[str], str], ...] = (
    # A line over each digit; a dot over the first and the last; one over a digit without braces.
    (re.compile(r"(\.\d*)((?:\d\u0305)+)"), r"\1\\overline{\2}"),
    (
        re.compile(rf"(\.\d*)\\dot{_DIGIT}(\d*)\\dot{_DIGIT}"),
        r"\1\\overline{\2\3\4\5\6}",
    ),
    (re.compile(r"(\.\d*)\\(?:overline|bar|dot)\s*(\d)"), r"\1\\overline{\2}"),
    # 0.1666...: what stands there three times goes on.
    (
        re.compile(r"(\.\d{0,30}?)(\d{1,12}?)\2{2,40}\s*(?:\.\.\.|\\[lc]?dots(?![A-Za-z]))"),
        r"\1\\overline{\2}",
    ),
    (re.compile(r"(?<!\d)(\.\d*\\overline)"), r"0\1"),
)
_PRIMES = re.compile(r"\^\s*(?:\{\s*((?:\\prime\s*)+)\}|(\\prime)(?![A-Za-z]))")
_IN_TEXT = r"(?:\\(?:text|mathrm|textrm)\s*)?"
_ORDINAL = re.compile(
    rf"(?<=\d)\s*\^\s*(?:\{{\s*{_IN_TEXT}\{{?\s*(st|nd|rd|th)\s*\}}?\s*\}}|(st|nd|rd|th)\b)"
)
_CIRCLE = re.compile(
    rf"(?<=\d)\s*\^\s*(?:\{{\s*{_IN_TEXT}\{{?\s*o\s*\}}?\s*\}}|{_IN_TEXT}\{{\s*o\s*\}}|o\b)"
)
_SLASHED = re.compile(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)[⁄/]([₀₁₂₃₄₅₆₇₈₉]+)")
_ABBREVIATION = re.compile(r"(?<=[A-Za-z]{2})\.(?=[\s}])")
_PER_CENT = re.compile(r"\bper\s+cent\b")
_DASHES = re.compile(r"(?<=\d)-{2,3}(?=\d)")
_NEGATIVE_SPACE = re.compile(r"(?<!\\)\\!")


def spell(text: str) -> str:
    """The text in ASCII, as far as it can be spelled so."""
    if not text.isascii():
        text = _MICRO.sub("u", text)
        text = _SLASHED.sub(lambda run: rf"\frac{{{_plain(run[1])}}}{{{_plain(run[2])}}}", text)
        text = spell_scripts(text)
        text = "".join(map(_character, text)).replace("\\degree -", "\\degree-")
    text = spell_measures(spell_shorthand(text))
    for pattern, overline in _REPEATED:
        text = pattern.sub(overline, text)
    text = _PRIMES.sub(lambda run: "'" * run[0].count("prime"), text.replace("\u0305", ""))
    text = _CIRCLE.sub(r"\\degree ", _ORDINAL.sub(r"\1\2", text))
    text = text.replace("&lt;", "<").replace("&gt;", ">")
    text = _DASHES.sub("-", text)
    text = _PER_CENT.sub("percent", _ABBREVIATION.sub(" ", text))
    text = _MICRO_IN_LATEX.sub(r"\1 \2u", text)
    text = _GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), text)
    return _LAYOUT.sub(" ", _NEGATIVE_SPACE.sub("", text))


def spell_scripts(text: str) -> str:
    """The text with superscripts and subscripts as LaTeX has them: Ca²⁺ is `Ca^{2+}`."""
    text = _SUPERSCRIPTS.sub(lambda run: f"^{{{_plain(run[0])}}}", text)
    return _SUBSCRIPTS.sub(lambda run: f"_{{{_plain(run[0])}}}", text)


def _character(character: str) -> str:
    if character.isascii():
        return character
    if character in _CHARACTERS:
        return _CHARACTERS[character]
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    kind, *parts = unicodedata.decomposition(character).split() or [""]
    if kind == "<fraction>":
        numerator, _, denominator = "".join(chr(int(part, 16)) for part in parts).partition("⁄")
        return rf"\frac{{{numerator}}}{{{denominator}}}"
    if kind == "<square>":
        return "".join(
            f"^{{{unicodedata.digit(part)}}}" if unicodedata.digit(part, None) else part
            for part in (chr(int(part, 16)) for part in parts)
        )
    if unicodedata.category(character) == "Sc":
        return "$"
    return _greek(character)


def _greek(character: str) -> str:
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or len(words) != 4:
        return character
    name = words[3].lower().replace("lamda", "lambda")
    return rf"\{name.capitalize() if words[1] == 'CAPITAL' else name} "


def _plain(run: str) -> str:
    return unicodedata.normalize("NFKC", run).replace("−", "-")
