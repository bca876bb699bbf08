r"""Quantities in more than one unit, and how their units are set: `5'6"`, `2h30m`, `{\rm cm}`,
`{cm}^2`."""

import re

from laserve.answers.mathematics.units import unit

_NUMBER = r"\d+(?:\.\d+)?"
_GAP = r"(?:\s|~|\\,)*"
_OHM = r"\\Omega(?=\s*\}*\s*(?:$|[,;)\]]))"
_SET = (
    # {\rm cm}, {\text{cm}}, \text{ k}\Omega
    (re.compile(r"\{\s*\\(?:rm|bf|it|sf|tt)(?![A-Za-z])\s*([^{}]*)\}"), r"\\text{\1}"),
    (re.compile(r"(?<=\d)\s*\{\s*(\\(?:text|mathrm)\s*\{[^{}]*\})\s*\}"), r" \1"),
    (
        re.compile(rf"(?<=\d){_GAP}\\(?:text|mathrm)\s*\{{\s*([kMGm])\s*\}}\s*{_OHM}"),
        r" \1ohm ",
    ),
    (re.compile(rf"(?<=\d){_GAP}([kMGm])\s*{_OHM}"), r" \1ohm "),
    (re.compile(rf"(?<=\d){_GAP}{_OHM}"), " ohm "),
)
_BRACED = re.compile(
    # 12 {cm}^2, but not an argument's: \frac2{cd}
    r"(?<=\d)(?<![A-Za-z]\d)(?<![A-Za-z]\s\d)\s*\{\s*([A-Za-z]{2,})\s*(\^[23]|\^\{[23]\}|)\s*\}"
)
_HOURS = re.compile(rf"(?<![\w.])(\d+)\s*h\s*({_NUMBER})\s*m(?:in)?(?![A-Za-z])")
_DOLLARS = re.compile(
    r"(?:\\?\$\s*(\d+)|(?<![\d.])(\d+)\s+dollars?)(?:\s+and|,)?\s+(\d\d?)\s*cents?\b"
)
_PRIMES = re.compile(
    rf"""(\\degree\s*|\\circ\s*\}}?\s*)?(?<![\d.])(\d+)\s*'\s*({_NUMBER})\s*(?:"|'')"""
)
_MIXED = {
    "years?|yrs?": "months?",
    "weeks?": "days?",
    "days?": "hours?|hrs?|h",
    "hours?|hrs?|h": "minutes?|mins?",
    "minutes?|mins?": "seconds?|secs?|s",
    "feet|foot|ft": "inch(?:es)?|in",
    "pounds?|lbs?": "ounces?|oz",
}
_JOINED = tuple(
    re.compile(
        rf"(?<=\d)(\s*(?:{large}))\.?\s*(?:,\s*and\b|,|\band\b)\s*(?=\d+(?:\.\d+)?\s*(?:{small})\b)"
    )
    for large, small in _MIXED.items()
)


def spell_measures(text: str) -> str:
    """The text with units as words, and one quantity where it is given in two units."""
    for pattern, words in _SET:
        text = pattern.sub(words, text)
    text = _BRACED.sub(_without_braces, text)
    text = _PRIMES.sub(_of_primes, text)
    text = _HOURS.sub(r"\1 hr \2 min", text)
    text = _DOLLARS.sub(lambda found: f"{found[1] or found[2]}.{found[3]:0>2}", text)
    for pattern in _JOINED:
        text = pattern.sub(r"\1 ", text)
    return text


def _without_braces(found: re.Match[str]) -> str:
    return found[0] if unit(found[1]) is None else f" {found[1]}{found[2]}"


def _of_primes(found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1]}{found[2]}'{found[3]}''"
    return f"{found[2]} ft {found[3]} inch"
