"""Problems of the user's own: JSON, Parquet, or a folder saved by `datasets`.

What a row may hold is told in `rows.py`. JSON Lines (.jsonl, .json) are in UTF-8, one object a
line; blank lines are ignored. A .json file may also be one array of objects.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

import datasets
import pyarrow as pa
from pyarrow import parquet
from pydantic_core import PydanticSerializationError, to_json

from laserve.core.json_lines import json_lines
from laserve.core.row_faults import RowFaults
from laserve.errors import ConfigurationError, DataError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.narrow_floats import in_own_width
from laserve_training.tasks.rows import parse_problem, read_json


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
        problems = self.every[split]
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
    def every(self) -> Mapping[Split, list[Problem]]:
        """All problems of each split that has a file, in its order. Raises DataError."""
        problems = {split: _read(path) for split, path in self._files.items()}
        refuse_shared_questions(problems)
        return problems


def _read(path: Path) -> list[Problem]:
    rows: Iterator[tuple[str, object]]
    if path.is_dir():
        rows = _folder_rows(path)
    elif path.suffix == ".json" and _is_array(path):
        rows = _array_rows(path)
    elif path.suffix in (".jsonl", ".json"):
        rows = ((f"line {number} of {path}", line) for number, line in json_lines(path))
    elif path.suffix == ".parquet":
        rows = _parquet_rows(path)
    else:
        raise DataError(
            f"{path} cannot be read: it must be JSON Lines (.jsonl, .json), Parquet (.parquet) or "
            "a folder saved by datasets' `save_to_disk`"
        )
    problems: list[Problem] = []
    faults = RowFaults()
    for where, row in rows:
        with faults.caught():
            problems.append(parse_problem(row, where))
    faults.refuse()
    if not problems:
        raise DataError(f"{path} has no row: give at least one with a `prompt` and an `answer`")
    return problems


def _is_array(path: Path) -> bool:
    return next((line.lstrip().startswith("[") for _, line in json_lines(path)), False)


def _array_rows(path: Path) -> Iterator[tuple[str, object]]:
    try:
        rows = read_json("".join(line for _, line in json_lines(path)))
    except ValueError as error:
        raise DataError(f"{path} is not a JSON array: {error}") from error
    except RecursionError:
        raise DataError(f"{path} has a row that is nested too deeply") from None
    return ((f"row {number} of {path}", row) for number, row in enumerate(rows, start=1))


def _parquet_rows(path: Path) -> Iterator[tuple[str, object]]:
    try:
        table = parquet.read_table(path)
        rows = table.to_pylist()
    # pyarrow's errors are of these two kinds.
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
    return _table_rows(rows, table.schema, path)


def _folder_rows(path: Path) -> Iterator[tuple[str, object]]:
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a saved dataset: {error}") from error
    if isinstance(loaded, datasets.DatasetDict):
        raise DataError(
            f"{path} holds several datasets ({', '.join(map(str, loaded))}): name the folder of one"
        )
    return _table_rows(loaded, loaded.features.arrow_schema, path)


def _table_rows(
    rows: Iterable[Mapping[str, object]], schema: pa.Schema, path: Path
) -> Iterator[tuple[str, object]]:
    for number, row in enumerate(rows, start=1):
        where = f"row {number} of {path}"
        shortest = {field.name: in_own_width(row[field.name], field.type) for field in schema}
        try:
            text = to_json(shortest).decode()
        except (PydanticSerializationError, ValueError) as error:
            raise DataError(f"{where} holds what JSON cannot: {error}. Drop the column") from error
        yield where, text


def refuse_shared_questions(problems: Mapping[Split, list[Problem]]) -> None:
    """Raise DataError where a question stands in two splits."""
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
