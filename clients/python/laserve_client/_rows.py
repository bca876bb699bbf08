"""The files of `rerank`: rows of JSON Lines, and which of them are done."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from laserve_client._errors import InvalidArgumentError
from laserve_client._responses import first_fault
from laserve_client._types import Prompt, Ranked

RowModel = TypeVar("RowModel", bound=BaseModel)

_SHOWN_MISTAKES = 20
_BEGINNINGS = (b'{"id": ', b'{"line": ')
"""Of the rows that are written."""


@dataclass(frozen=True)
class Row:
    """A question and the candidate answers to it."""

    line: int
    """From 1."""
    label: dict[str, Any]
    """{"id": ...}, or {"line": ...} where the row has none."""
    query: Prompt
    documents: Sequence[str]

    @property
    def key(self) -> str:
        """Tells rows apart, and the rows that are done."""
        return _key(self.label)

    def written(self, results: Sequence[Ranked]) -> bytes:
        """The line of the output."""
        row = {**self.label, "results": [ranked.model_dump() for ranked in results]}
        return json.dumps(row).encode() + b"\n"


class _Document(BaseModel):
    text: str


class _InputRow(BaseModel):
    id: Any = None
    query: str | None = None
    messages: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    documents: list[str | _Document] = Field(min_length=1)

    @model_validator(mode="after")
    def _asks_once(self) -> Self:
        if (self.query is None) == (self.messages is None):
            raise ValueError("give either query or messages")
        return self


class _OutputRow(BaseModel):
    id: Any = None
    line: int | None = None
    results: list[dict[str, Any]]


def read_input(path: Path) -> list[Row]:
    """All rows; empty lines are passed over.

    Raises InvalidArgumentError, which names every line that cannot be used; OSError.
    """
    rows: dict[str, Row] = {}
    mistakes = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = _row(number, line)
                if row.key in rows:
                    raise InvalidArgumentError(f"line {rows[row.key].line} has the same id")
            except InvalidArgumentError as error:
                mistakes.append(f"{path}, line {number}: {error}")
            else:
                rows[row.key] = row
    if mistakes:
        left = len(mistakes) - _SHOWN_MISTAKES
        more = [f"and {left} lines more"] if left > 0 else []
        raise InvalidArgumentError("\n".join([*mistakes[:_SHOWN_MISTAKES], *more]))
    return list(rows.values())


def read_output(path: Path) -> tuple[set[str], int]:
    """The keys of the rows that are done, and how many bytes of the file they take.

    What is behind them is a row that was cut off as it was written. Raises InvalidArgumentError for
    a file that `rerank` did not write, before anything of it is lost; OSError.
    """
    done: set[str] = set()
    size = 0
    if not path.exists():
        return done, size
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                key = _key_of_output(line)
            else:
                key = ""
                if any(start.startswith(line[: len(start)]) for start in _BEGINNINGS):
                    break
            if not key:
                raise InvalidArgumentError(
                    f"{path}, line {number} is no row of a reranked file: give another output file"
                )
            done.add(key)
            size += len(line)
    return done, size


def _row(number: int, line: bytes) -> Row:
    row = _parsed(_InputRow, line)
    label = {"line": number} if row.id is None else {"id": row.id}
    texts = [text if isinstance(text, str) else text.text for text in row.documents]
    query = row.query if row.query is not None else row.messages
    assert query is not None  # validated
    return Row(number, label, query, texts)


def _key_of_output(line: bytes) -> str:
    """Empty where it is no row of the output."""
    try:
        row = _parsed(_OutputRow, line)
    except InvalidArgumentError:
        return ""
    if row.id is None and row.line is None:
        return ""
    return _key({"line": row.line} if row.id is None else {"id": row.id})


def _key(label: dict[str, Any]) -> str:
    return json.dumps(label, sort_keys=True)


def _parsed(model: type[RowModel], line: bytes) -> RowModel:
    try:
        return model.model_validate(json.loads(line))
    except ValidationError as error:
        field, fault = first_fault(error)
        raise InvalidArgumentError(f"{field}: {fault}" if field else fault) from error
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"no JSON: {error}") from error
