"""JSON that a model writes: read with limits, and brought into one form."""

import json
import re
from typing import cast

from pydantic import JsonValue

_MAX_DIGITS = 1000
_EXACT = 2**53
"""Up to here a double holds every integer."""

_FENCE = re.compile(r"^[ \t]*+`{3,}+[ \t]*+(?P<label>[\w+-]*+)[ \t]*+\r?$", re.MULTILINE)


def parse_json(text: str) -> JsonValue:
    """The value of a JSON text.

    Raises ValueError where it is none (RFC 8259: `NaN` and `Infinity` are none), is nested too
    deeply to be read, or holds a number of more than 1000 digits or beyond a double's range.
    """
    try:
        return cast("JsonValue", _DECODER.decode(text))
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def find_json(text: str) -> JsonValue:
    """The value of a text that is JSON; else of its last fenced block, labelled json or nothing.

    Raises ValueError where neither is JSON, as `parse_json`.
    """
    try:
        return parse_json(text)
    except ValueError:
        block = _last_block(text)
        if block is None:
            raise
        return parse_json(block)


def canonical_json(value: JsonValue) -> str:
    """A value as JSON with sorted keys and no spaces: the same for equal values.

    Raises ValueError where it is nested too deeply to be written.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def _last_block(text: str) -> str | None:
    last = None
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        # A label opens a block, even where the one before was never closed.
        if opened is None or fence["label"]:
            opened = fence
        else:
            if opened["label"].lower() in ("", "json"):
                last = text[opened.end() : fence.start()]
            opened = None
    return last


def _whole(text: str) -> int:
    # Python's own limit can be off, and without it the time is quadratic.
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number has more than {_MAX_DIGITS} digits")
    return int(text)


def _real(text: str) -> float | int:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is beyond a double's range")
    # 2.0, 20e-1 and 2 are the same number.
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_refuse_constant)
