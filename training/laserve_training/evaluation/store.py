"""Samples on disk as they come, so that an evaluation that was ended goes on where it stopped.

`samples.jsonl` has a line for each problem. What is drawn again with other settings or other
weights has another `key`, and the lines before it stay.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from laserve.core.faults import faults
from laserve.core.types import SelfReward
from laserve.errors import ConfigurationError, DataError

SAMPLES_NAME = "samples.jsonl"


class DrawnSample(BaseModel):
    """One completion with its score, not judged yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_ids: tuple[int, ...]
    """With its EOS, where it has one."""
    text: str
    """Without the EOS."""
    reward: SelfReward


class DrawnProblem(BaseModel):
    """A line of the file: the completions of one prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Of everything that the completions depend on (`SampleRequest.key`)."""
    problem: str
    """Where the problem stands, for readers, as are `question` and `answer`."""
    question: str
    answer: str
    """The reference answer."""
    samples: tuple[DrawnSample, ...]


class SampleStore:
    """A `samples.jsonl` that lines are appended to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, keys: Collection[str]) -> dict[str, DrawnProblem]:
        """What the file holds of `keys`. A last line that was not written to its end is cut off.

        Raises DataError where another line is none of this file's, ConfigurationError where the
        file cannot be read.
        """
        found: dict[str, DrawnProblem] = {}
        try:
            if not self._path.exists():
                return found
            with self._path.open("r+b") as file:
                for line in self._whole_lines(file):
                    drawn = self._parse(line)
                    if drawn.key in keys:
                        found[drawn.key] = drawn
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error.strerror}") from error
        return found

    def add(self, drawn: DrawnProblem) -> None:
        """Append one line. Raises ConfigurationError where it cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(drawn.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}") from error

    @staticmethod
    def _whole_lines(file: BinaryIO) -> Iterable[bytes]:
        while line := file.readline():
            if not line.endswith(b"\n"):
                file.truncate(file.tell() - len(line))
                return
            yield line

    def _parse(self, line: bytes) -> DrawnProblem:
        try:
            return DrawnProblem.model_validate_json(line)
        except ValidationError as error:
            raise DataError(
                f"{self._path} holds a line that is no sample of this version: "
                f"{faults(error)[0]}. Remove the file"
            ) from error
