"""Tool calls as an answer."""

from collections.abc import Sequence

from laserve.answers.json_text import canonical_json, parse_json
from laserve.answers.message import ToolCall


def called(calls: Sequence[ToolCall]) -> str | None:
    """Names and arguments of all calls in their order, as canonical JSON; None without calls.

    Arguments that are no JSON stand there as a string; none at all are the same as {}.
    """
    if not calls:
        return None
    return (
        "["
        + ",".join(
            f'{{"arguments":{_arguments(call.arguments)},"name":{canonical_json(call.name)}}}'
            for call in calls
        )
        + "]"
    )


def called_names(calls: Sequence[ToolCall]) -> str | None:
    """Names of all calls in their order, with ", " between; None without calls."""
    return ", ".join(call.name for call in calls) or None


def _arguments(text: str) -> str:
    if not text.strip():
        return "{}"
    try:
        return canonical_json(parse_json(text))
    except ValueError:
        return canonical_json(text)
