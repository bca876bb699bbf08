"""What is wrong with the fields of a request, in sentences: pydantic's findings, for people."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vllm.entrypoints.serve.exception_handling.handlers.validation import clean_loc_for_param

MOST_FIELDS = 5
"""Fields at fault that are told; a body may have as many as bytes."""

_LONGEST_VALUE = 60
_LONGEST_SENTENCE = 400
_WITHOUT_VALUE = ("missing", "extra_forbidden", "json_invalid", "value_error")
"""Findings whose value is not what is at fault, or which tell of it themselves."""

_OF_PYTHON = re.compile(
    r"Value error, | or (an )?instance of \w+| or object to extract fields from"
)
"""What pydantic says beside what a request can do about it."""

Fault = Mapping[str, Any]
"""As pydantic tells of it: `type`, `loc`, `msg`, `input`, `ctx`."""


def sentences_of(faults: Sequence[Any]) -> str:
    """A sentence for each field at fault. ``faults``: of a RequestValidationError."""
    plain = [str(fault) for fault in faults if not isinstance(fault, Mapping)]
    by_field: dict[str, list[Fault]] = {}
    for fault in _likeliest([fault for fault in faults if isinstance(fault, Mapping)]):
        by_field.setdefault(_shown_field(fault), []).append(fault)
    sentences = [_sentence(field, found) for field, found in by_field.items()]
    left = len(sentences) - MOST_FIELDS
    more = [f"and {left} fields more"] if left > 0 else []
    told = "; ".join([*plain, *sentences[:MOST_FIELDS], *more])
    return told.encode(errors="backslashreplace").decode()  # it may hold half a character


def field_at_fault(faults: Sequence[Any]) -> str | None:
    """The path of the first one, as in `body.messages.0.role`; None where it is no field."""
    found = _likeliest([fault for fault in faults if isinstance(fault, Mapping)])
    if not found or found[0]["type"] == "json_invalid":
        return None
    return ".".join(_names(found[0]))


def _likeliest(faults: list[Fault], depth: int = 0) -> list[Fault]:
    """Of the alternatives of a union, those that the value comes nearest to: what it lacks of the
    others it was never meant to have."""
    by_part: dict[object, list[Fault]] = {}
    for fault in faults:
        by_part.setdefault((*fault["loc"], None)[depth], []).append(fault)
    here = by_part.pop(None, [])
    found = {part: _likeliest(below, depth + 1) for part, below in by_part.items()}
    far = {part: _distance(below, depth) for part, below in found.items() if _is_alternative(part)}
    nearest = min(far.values(), default=None)
    return here + [
        fault
        for part, below in found.items()
        if far.get(part, nearest) == nearest
        for fault in below
    ]


def _distance(faults: list[Fault], depth: int) -> tuple[bool, int, int]:
    """From one alternative: whether the value is of another shape altogether; how many faults it
    has, and fields it lacks."""
    is_other = any(len(fault["loc"]) == depth + 1 for fault in faults)
    return is_other, len(faults), sum(fault["type"] == "missing" for fault in faults)


def _is_alternative(part: object) -> bool:
    """Whether a part of a place is no field, but a type, by the name of its class or of pydantic's
    for it."""
    name = str(part)
    return name[:1].isupper() or clean_loc_for_param(("", name)) == ""


def _names(fault: Fault) -> list[str]:
    return [str(part) for part in fault["loc"] if not _is_alternative(part)]


def _shown_field(fault: Fault) -> str:
    is_of_json = fault["type"] == "json_invalid"  # whose place is a number of bytes
    return "the body" if is_of_json else ".".join(_names(fault)[1:]) or "the body"


def _sentence(field: str, faults: list[Fault]) -> str:
    first = faults[0]
    if first["type"] == "json_invalid":
        return f"{field} is no valid JSON: {first['ctx']['error']} at byte {first['loc'][-1]}"
    messages = dict.fromkeys(_OF_PYTHON.sub("", fault["msg"]) for fault in faults)
    sentence = f"{field}: {', or '.join(messages)}"[:_LONGEST_SENTENCE]
    value = first.get("input")
    if first["type"] in _WITHOUT_VALUE or not isinstance(value, str | int | float | None):
        return sentence
    shown = json.dumps(value)
    return sentence if len(shown) > _LONGEST_VALUE else f"{sentence}; it is {shown}"
