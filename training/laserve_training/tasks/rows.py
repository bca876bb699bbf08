"""One row of a file of problems, as it is written here, by verl, or by TRL.

    "prompt"      text of one user turn                        exactly one of these two
    "messages"    [{"role": ..., "content": ...}, ...]         (the last is the user's, and text)
    "answer"      the reference answer, text or a number
    "completion"  a demonstration to fine-tune on, without its EOS      optional
    any other     goes into the problem's metadata                      optional

    {"prompt": "What is 12 + 7?", "answer": 19, "source": "arithmetic"}

Of verl's rows `prompt` is the messages and `reward_model.ground_truth` the answer. Of TRL's,
`prompt` may be messages, `completion` a message of the assistant's, the last of the `messages` too,
and `solution` or `ground_truth` the answer. Content in parts of text is taken as one text, a part
to a line, as vLLM joins them:

    {"prompt": [{"role": "user", "content": "1 + 2?"}], "reward_model": {"ground_truth": "3"}}
    {"prompt": [{"role": "user", "content": "1 + 2?"}], "solution": "3"}
    {"prompt": [{"role": "user", "content": [{"type": "text", "text": "1 + 2?"}]}], "answer": 3}
"""

import json
import math
from decimal import Decimal
from typing import Any, Self

from pydantic import ConfigDict, JsonValue, ValidationError, model_validator

from laserve.core.faults import faults
from laserve.errors import DataError
from laserve.reference.rows import Row
from laserve_training.problem import Message, Problem


class Written(float):
    """A number, and how it was written: a float keeps 17 digits of it."""

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def read_json(text: str) -> Any:
    """The value of a JSON text, whose fractions are `Written`. Raises ValueError, and
    RecursionError where it is nested too deeply."""
    return json.loads(text, parse_float=Written)


def parse_problem(row: object, where: str) -> Problem:
    """The problem of a row, which is a JSON text or what `read_json` makes of one; `where` is where
    it stands. Raises DataError."""
    try:
        given = read_json(row) if isinstance(row, str) else row
        text = json.dumps(_in_our_columns(given) if isinstance(given, dict) else given)
    except RecursionError:
        raise DataError(f"{where}: it is nested too deeply") from None
    except ValueError as error:
        raise DataError(f"{where}: Invalid JSON: {error}") from error
    try:
        return _ProblemRow.model_validate_json(text).problem(where)
    except ValidationError as error:
        raise DataError(f"{where}: {faults(error)[0]}") from error


def _in_our_columns(given: dict[str, Any]) -> dict[str, Any]:
    row = dict(given)
    if isinstance(row.get("prompt"), list) and row.get("messages") is None:
        row["messages"] = row.pop("prompt")
    for column in ("messages", "completion"):
        if isinstance(row.get(column), list):
            row[column] = list(map(_in_one_text, row[column]))
    match row.get("completion"):
        case [{"role": "assistant", "content": str(text)}]:
            row["completion"] = text
    match row.get("messages"):
        case [*before, {"role": "assistant", "content": str(text)}] if before:
            if row.get("completion") is None:
                row |= {"messages": before, "completion": text}
    if row.get("answer") is None:
        row |= _answer_of_others(row)
    if "answer" in row:
        row["answer"] = _number_as_text(row["answer"])
    return row


def _answer_of_others(row: dict[str, Any]) -> dict[str, Any]:
    """The answer by the first of the names that others have for it and that the row has; tables
    give each row the names of all, and null to those that it lacks."""
    match row:
        case {"reward_model": {"ground_truth": answer}} if answer is not None:
            return {"answer": answer}
    for name in ("solution", "ground_truth"):
        if row.get(name) is not None:
            return {"answer": row.pop(name)}
    return {}


def _in_one_text(message: Any) -> Any:
    """A message whose content is parts of text with one text; any other as it is."""
    match message:
        case {"content": [*parts]} if parts:
            texts = [
                part["text"]
                for part in parts
                # Arrow gives a part the keys of all of them, and null to those that it lacks.
                if isinstance(part, dict)
                and part.get("type") == "text"
                and isinstance(part.get("text"), str)
            ]
            if len(texts) == len(parts):
                return {**message, "content": "\n".join(texts)}
    return message


def _number_as_text(answer: object) -> object:
    """As it would be written: 0.00005 and 3, not 5e-05 and 3.0. What is no finite number stays."""
    match answer:
        case bool():
            return answer
        case int():
            return str(answer)
        case Written() if math.isfinite(answer) and (answer or not Decimal(answer.text)):
            text = f"{Decimal(answer.text):f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
    return answer


class _ProblemRow(Row):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, JsonValue]

    answer: str

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.answer.strip():
            raise ValueError("the `answer` is empty")
        for number, message in enumerate(self.conversation):
            if not isinstance(message["content"], str):
                raise ValueError(
                    f"`messages.{number}.content` has parts other than text, which training does "
                    "not take: leave them out"
                )
        if self.conversation[-1]["role"] != "user":
            raise ValueError("the last message must be the user's")
        return self

    def problem(self, where: str) -> Problem:
        return Problem(
            where=where,
            messages=tuple(map(_without_nulls, self.conversation)),
            answer=self.answer,
            metadata=self.__pydantic_extra__,
            completion=self.completion,
        )


def _without_nulls(message: Message) -> Message:
    """Arrow gives each message the keys of all of them, and null to those that it lacks."""
    return {key: value for key, value in message.items() if value is not None}
