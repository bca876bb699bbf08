"""JSON that a model writes: found in what it says, read with limits, and brought into one form."""

import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, cast

from pydantic import JsonValue

_MAX_DIGITS = 1000
_MAX_VALUES = 100
"""Of those that stand in a text, the last count."""
_MAX_SEARCHED = 10**9
"""Characters: for each fault Python counts the lines from the beginning of the text."""
_EXACT = 2**53
"""Up to here a double holds every integer."""

_OPENING = re.compile(r'\{\s*+["}]|\[\s*+["{\[\]\-\dtfn]')
"""What begins an object or array of JSON, and little else that does not."""
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
        return parse_json(block.content)


def json_values(text: str) -> list[JsonValue]:
    """The values that a text may mean, the likeliest first: of a text that is JSON this value; else
    the objects in it, the last first, and then the arrays. A fenced block labelled json or nothing
    is one value, of any kind; what stands before the last such block does not count. What stands
    in blocks with another label, which may be a program, counts behind all other objects, or
    arrays."""
    with suppress(ValueError):
        return [parse_json(text)]
    block = _last_block(text)
    prose, code = _divided(text, 0 if block is None else block.end)
    said, programmed = _standing_in(prose)[::-1], _standing_in(code)[::-1]
    values: list[JsonValue] = [value for value in said if isinstance(value, dict)]
    if block is not None:
        with suppress(ValueError):
            values.append(parse_json(block.content))
    values += [value for value in programmed if isinstance(value, dict)]
    # Last, as "[1]" may be a footnote.
    return values + [value for value in said + programmed if isinstance(value, list)]


def canonical_json(value: JsonValue) -> str:
    """A value as JSON with sorted keys and no spaces: the same for equal values.

    Raises ValueError where it is nested too deeply to be written.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


class _Block(NamedTuple):
    label: str
    """In lower case."""
    content: str
    start: int
    end: int
    """Place behind the fence that closes it."""
    is_closed: bool


def _blocks(text: str) -> Iterator[_Block]:
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        # A label opens a block, even where the one before was never closed.
        opens = opened is None or bool(fence["label"])
        if opened is not None:
            content = text[opened.end() : fence.start()]
            end = fence.start() if opens else fence.end()
            yield _Block(opened["label"].lower(), content, opened.start(), end, not opens)
        opened = fence if opens else None
    if opened is not None:
        label, content = opened["label"].lower(), text[opened.end() :]
        yield _Block(label, content, opened.start(), len(text), False)


def _last_block(text: str) -> _Block | None:
    """The last block that is labelled json, or JSON without a label."""
    last = None
    for block in _blocks(text):
        if block.is_closed and (
            block.label == "json" or (not block.label and _is_json(block.content))
        ):
            last = block
    return last


def _divided(text: str, start: int) -> tuple[str, str]:
    """What stands behind `start` outside of blocks with another label than json, and inside."""
    prose, code, place = [], [], start
    for block in _blocks(text):
        if block.start >= start and block.label not in ("", "json"):
            prose.append(text[place : block.start])
            code.append(block.content)
            place = block.end
    return "\n".join([*prose, text[place:]]), "\n".join(code)


def _is_json(text: str) -> bool:
    with suppress(ValueError):
        parse_json(text)
        return True
    return False


def _standing_in(text: str) -> list[JsonValue]:
    """The last objects and arrays in a text, those inside of others and of broken ones left out;
    none of a text that is made to take long."""
    values: deque[JsonValue] = deque(maxlen=_MAX_VALUES)
    place = faults = 0
    while (opening := _OPENING.search(text, place)) and faults * len(text) < _MAX_SEARCHED:
        try:
            _, place = _EXTENT.raw_decode(text, opening.start())
        except RecursionError:
            return []
        except json.JSONDecodeError as error:
            # Whatever was read up to there is part of something that is no JSON.
            place = max(error.pos, opening.end())
            faults += 1
        else:
            with suppress(ValueError):
                values.append(parse_json(text[opening.start() : place]))
    return [] if opening else list(values)


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
_EXTENT = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Tells where a value ends, whatever its numbers are."""
