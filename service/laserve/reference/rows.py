"""A file of prompts, with or without their completions (`--data`).

JSON Lines in UTF-8, one object a line, blank lines ignored. Keys, and no others:

    "prompt"      text of one user turn                      exactly one of these two
    "messages"    [{"role": ..., "content": ...}, ...]       (the last is not the assistant's)
    "completion"  text of the answer, without its EOS        optional: the model writes one

    {"prompt": "What is 12 + 7?"}
    {"prompt": "What is 12 + 7?", "completion": "12 + 7 = 19"}
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}

With a tokenizer that has no chat template, "prompt" is plain text, and so is a single message.
"""

from itertools import islice
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from laserve.core.faults import faults
from laserve.core.json_lines import json_lines
from laserve.errors import DataError


class Message(BaseModel):
    """A chat message; what else it has, such as a name, is the chat template's."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    role: str
    content: str | list[JsonValue]


class Row(BaseModel):
    """One prompt, and its completion where it is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    prompt: str | None = Field(default=None, min_length=1)
    messages: tuple[Message, ...] | None = Field(default=None, min_length=1)
    completion: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give exactly one of `prompt` and `messages`")
        if self.messages is not None and self.messages[-1].role == "assistant":
            raise ValueError("the last message is the assistant's: give it as `completion`")
        return self

    @property
    def conversation(self) -> list[dict[str, JsonValue]]:
        """The prompt as chat messages."""
        if self.messages is not None:
            return [message.model_dump() for message in self.messages]
        return [{"role": "user", "content": self.prompt}]


def read_rows(path: Path, limit: int | None = None) -> dict[str, Row]:
    """The first `limit` rows of a data file, by where they stand ("line 3").

    Raises DataError where the file cannot be read, has no row, or a row cannot be used.
    """
    rows: dict[str, Row] = {}
    for number, line in islice(json_lines(path), limit):
        rows[f"line {number}"] = _parse(line, f"{path} line {number}")
    if not rows:
        raise DataError(f"{path} has no row: give at least one JSON object with a `prompt`")
    return rows


def _parse(line: str, where: str) -> Row:
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        fault = faults(error)[0]
        known = "; known are prompt, messages and completion" if "unknown key" in fault else ""
        raise DataError(f"{where}: {fault}{known}") from error
