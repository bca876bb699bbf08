"""Answers that only as a whole mean something: dates, times, versions.

Read as mathematics, 2024-05-06 would be a difference, and so one answer with 2024-06-05.
"""

import re
from collections.abc import Callable

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:the\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+)?"
_YEAR = r"(?P<year>\d{4})"


def _date(found: re.Match[str]) -> str:
    parts = found.groupdict()
    month = parts["month"]
    number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
    key = f"date {int(parts.get('year') or 0)}-{number}-{int(parts.get('day') or 0)}"
    return f"{key} {_time(found)}" if parts.get("hour") else key


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if half := found.groupdict().get("half"):
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return f"time {hour}:{minute}:{int(found['second'] or 0)}"


def _middle(found: re.Match[str]) -> str:
    return "time 0:0:0" if found[0].casefold().endswith("midnight") else "time 12:0:0"


def _unclear_date(found: re.Match[str]) -> str:
    return "as " + re.sub(r"(?<!\d)0+(?=\d)", "", found[0])


def _as_it_is(found: re.Match[str]) -> str:
    return f"as {''.join(found[0].casefold().split())}"


_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?"
_ISO = rf"{_YEAR}(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})"

_WHOLES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"{_ISO}", _date),
    (rf"{_ISO}(?:T|\s+){_CLOCK}", _date),
    (rf"{_YEAR}年(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})日?", _date),
    (rf"{_WEEKDAY}{_MONTH}\s+{_DAY}(?:\s*,?\s+{_YEAR})?", _date),
    (rf"{_WEEKDAY}{_DAY}\s+(?:of\s+)?{_MONTH}(?:\s*,?\s+{_YEAR})?", _date),
    (rf"{_DAY}-{_MONTH}-{_YEAR}", _date),
    (rf"{_MONTH}\s*,?\s+{_YEAR}", _date),
    # Day or month first: nobody knows.
    (r"\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})", _unclear_date),
    (rf"{_CLOCK}\s*(?P<half>[ap])\.?\s*m\.?", _time),
    (r"(?:12(?::00)?\s+)?(?:noon|midnight)", _middle),
    # From 13:00 on it can be no other one.
    (
        r"(?P<hour>1[3-9]|2[0-3]|00?):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:\s+(?:hours?|hrs?|h))?",
        _time,
    ),
    # Versions and addresses; "v1.10" is not "v1.1".
    (r"v?\d+(?:\.\d+){2,}(?:-\w+)?|v\d+\.\d+", _as_it_is),
    (r"n/?a", _as_it_is),
)
_DATES = re.compile(
    r"(?<!\d)\d{4}([-/.])\d{1,2}\1\d{1,2}(?!\d)"
    r"|(?<![\d/.-])\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d\d)(?![\d/.-])"
    rf"|\d-{_MONTH}|\d\s*[ap]\.?m\b",
    re.IGNORECASE,
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), read) for pattern, read in _WHOLES)


def whole_key(answer: str) -> str | None:
    """The key of an answer that is of one of these kinds; None where it is not."""
    for pattern, read in _COMPILED:
        if found := pattern.fullmatch(answer):
            return read(found)
    return None


def holds_date(answer: str) -> bool:
    """Whether a date or a time of day stands in an answer, which mathematics would misread."""
    return bool(_DATES.search(answer))
