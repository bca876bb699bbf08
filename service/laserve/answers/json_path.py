"""The value at a JSON path (RFC 9535) in what a sample says.

Only singular queries, which name one value: others can take exponential time, or run regular
expressions without a limit.
"""

from collections.abc import Sequence
from typing import cast

from jsonpath_rfc9535 import JSONPathError, JSONPathNode
from jsonpath_rfc9535 import compile as compile_path
from pydantic import JsonValue

from laserve.answers.json_text import canonical_json, find_json, json_values
from laserve.answers.message import Message
from laserve.answers.refusal import refused, shown

MAX_PATH_CHARS = 1000
MAX_PATH_STEPS = 64
"""The library nests a generator for each."""

_SHOWN_KEYS = 10


class JsonPath:
    """A singular query such as `$.result.value` or `$['items'][0]`. Raises RequestError where it is
    none."""

    def __init__(self, path: str) -> None:
        if len(path) > MAX_PATH_CHARS:
            raise refused(
                f"the JSON path has {len(path)} characters; {MAX_PATH_CHARS} is the limit"
            )
        try:
            query = compile_path(path)
        except (JSONPathError, RecursionError) as error:
            raise refused(
                f"{shown(path)} is no JSON path of RFC 9535 ({error}): write one such as "
                "json:$.result.value"
            ) from error
        if not query.singular_query():
            raise refused(
                f"the JSON path {shown(path)} can name several values: use names and indices only, "
                "as in json:$.results[0].value"
            )
        if len(query.segments) > MAX_PATH_STEPS:
            raise refused(
                f"the JSON path has {len(query.segments)} steps; {MAX_PATH_STEPS} is the limit"
            )
        self._query = query

    def find(self, value: JsonValue) -> JSONPathNode | None:
        """The node that the path names; None where there is none."""
        return self._query.find_one(value)

    def answer(self, text: str) -> str | None:
        """The value at the path in the JSON of a text (`json_text.json_values`), in the first that
        has the path: canonical; a string as it is, so that "5" and 5 are the same. None where no
        JSON has it, and where it is null."""
        for value in json_values(text):
            if (node := self.find(value)) is not None:
                return _written(cast("JsonValue", node.value))
        return None


def json_path_misses(spec: str, messages: Sequence[Message]) -> str | None:
    """Why the path of `spec`, if that is json:PATH, is at fault for messages without an answer: all
    of them are JSON, whole or in a fenced block (and there is at least one), and it matches nothing
    in any. Else None.

    Raises RequestError as `make_extractor`.
    """
    kind, _, text = spec.partition(":")
    if kind != "json" or not messages:
        return None
    path = JsonPath(text)
    keys: set[str] = set()
    for message in messages:
        try:
            value = find_json(message.text)
        except ValueError:
            return None
        if path.find(value) is not None:
            return None
        if isinstance(value, dict):
            keys |= value.keys()
    listed = ", ".join(shown(key) for key in sorted(keys)[:_SHOWN_KEYS])
    more = ", …" if len(keys) > _SHOWN_KEYS else ""
    seen = f"their top-level keys are {listed}{more}" if keys else "none is an object with keys"
    return (
        f"selection.answer: the JSON path {shown(text)} matches nothing in the samples "
        f"({len(messages)}, all of them JSON): {seen}"
    )


def _written(value: JsonValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return canonical_json(value)
    except ValueError:
        return None
