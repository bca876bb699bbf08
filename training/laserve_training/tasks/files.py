"""Problems of the user's own: JSON Lines, Parquet, or a folder saved by `datasets`.

Columns of a row:

    "prompt"      text of one user turn                        exactly one of these two
    "messages"    [{"role": ..., "content": ...}, ...]         (the last is the user's, and text)
    "answer"      the reference answer, text or a number
    "completion"  a demonstration to fine-tune on, without its EOS      optional
    any other     goes into the problem's metadata                      optional

    {"prompt": "What is 12 + 7?", "answer": 19, "source": "arithmetic"}

JSON Lines (.jsonl, .json) are in UTF-8, one object a line; blank lines are ignored.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Annotated, Self

import datasets
from pyarrow import parquet
from pydantic import BeforeValidator, ConfigDict, JsonValue, ValidationError, model_validator
from pydantic_core import PydanticSerializationError, to_json

from laserve.core.faults import faults
from laserve.core.json_lines import json_lines
from laserve.errors import ConfigurationError, DataError
from laserve.reference.rows import Row
from laserve_training.problem import Message, Problem, Split


@dataclass(frozen=True)
class FileTask:
    """The problems of up to three files, one for each split.

    The first use reads all of them. No question may stand in two files: a model that was trained on
    a test problem has been told its answer.
    """

    name: str
    train: Path | None = None
    calibration: Path | None = None
    test: Path | None = None

    @property
    def verifier(self) -> None:
        """Only the user knows what is correct."""
        return None

    def problems(self, split: Split, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split in random order, or all of them in the file's order.

        Raises ConfigurationError where the split has no file; DataError for a file or a row that
        cannot be used, a question that stands in two files, and fewer than `count` problems.
        """
        if split not in self._files:
            raise ConfigurationError(
                f"task {self.name} has no file for its {split} split: name one as `{split}`"
            )
        problems = self._problems[split]
        if count is None:
            return list(problems)
        if count > len(problems):
            raise DataError(
                f"{self._files[split]} has {len(problems)} problems, {count} are asked for: ask "
                "for fewer, or add some"
            )
        return Random(f"{self.name} {split} {seed}").sample(problems, count)

    @property
    def _files(self) -> Mapping[Split, Path]:
        files = {
            Split.TRAIN: self.train,
            Split.CALIBRATION: self.calibration,
            Split.TEST: self.test,
        }
        return {split: path for split, path in files.items() if path is not None}

    @cached_property
    def _problems(self) -> Mapping[Split, list[Problem]]:
        problems = {split: _read(path) for split, path in self._files.items()}
        _refuse_shared_questions(problems)
        return problems


def _number_as_text(answer: object) -> object:
    if isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer):
        # As it would be written: 0.00005 and 3, not 5e-05 and 3.0.
        return str(answer) if isinstance(answer, int) else f"{Decimal(str(answer)).normalize():f}"
    return answer


class _ProblemRow(Row):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, JsonValue]

    answer: Annotated[str, BeforeValidator(_number_as_text)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.answer.strip():
            raise ValueError("the `answer` is empty")
        last = self.conversation[-1]
        if last["role"] != "user" or not isinstance(last["content"], str):
            raise ValueError("the last message must be text of the user's")
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


def _read(path: Path) -> list[Problem]:
    if path.is_dir():
        rows = _folder_rows(path)
    elif path.suffix in (".jsonl", ".json"):
        rows = ((f"line {number} of {path}", line) for number, line in json_lines(path))
    elif path.suffix == ".parquet":
        rows = _parquet_rows(path)
    else:
        raise DataError(
            f"{path} cannot be read: it must be JSON Lines (.jsonl, .json), Parquet (.parquet) or "
            "a folder saved by datasets' `save_to_disk`"
        )
    problems = [_parse(row, where) for where, row in rows]
    if not problems:
        raise DataError(f"{path} has no row: give at least one with a `prompt` and an `answer`")
    return problems


def _parquet_rows(path: Path) -> Iterator[tuple[str, str]]:
    try:
        rows = parquet.read_table(path).to_pylist()
    # pyarrow's errors are of these two kinds.
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
    return _as_json(rows, path)


def _folder_rows(path: Path) -> Iterator[tuple[str, str]]:
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a saved dataset: {error}") from error
    if isinstance(loaded, datasets.DatasetDict):
        raise DataError(
            f"{path} holds several datasets ({', '.join(map(str, loaded))}): name the folder of one"
        )
    return _as_json(loaded, path)


def _as_json(rows: Iterable[Mapping[str, object]], path: Path) -> Iterator[tuple[str, str]]:
    for number, row in enumerate(rows, start=1):
        where = f"row {number} of {path}"
        try:
            text = to_json(row).decode()
        except PydanticSerializationError as error:
            raise DataError(f"{where} holds what JSON cannot: {error}. Drop the column") from error
        yield where, text


def _parse(row: str, where: str) -> Problem:
    try:
        return _ProblemRow.model_validate_json(row).problem(where)
    except ValidationError as error:
        raise DataError(f"{where}: {faults(error)[0]}") from error


def _refuse_shared_questions(problems: Mapping[Split, list[Problem]]) -> None:
    seen: dict[str, tuple[Split, str]] = {}
    for split, members in problems.items():
        for problem in members:
            # Another system prompt does not make another question.
            turns = [message for message in problem.messages if message["role"] != "system"]
            first_split, first = seen.setdefault(json.dumps(turns), (split, problem.where))
            if first_split != split:
                raise DataError(
                    f"{problem.where} ({split}) asks the same as {first} ({first_split}): a "
                    "question may be in one split only, take it out of one of them"
                )
