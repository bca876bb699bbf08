"""What a task is made of: problems, and a verdict on each answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

Message = dict[str, JsonValue]
"""A chat message: "role" and "content"."""


class Split(StrEnum):
    """The parts of a task. No problem is in two of them."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    """To fit the calibration on."""
    TEST = "test"
    """To report figures on."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One question with what is needed to judge an answer to it."""

    where: str
    """Where it comes from, for messages: "line 3 of train.jsonl", "countdown test 17"."""
    messages: tuple[Message, ...]
    """The conversation so far; the last message is the user's."""
    answer: str
    """The reference answer, as the verifier reads it."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    """Whatever else the verifier needs."""
    completion: str | None = None
    """A demonstration to fine-tune on, without its EOS; None where there is none."""
    part: int = 0
    """Which part of a mixture it is of, from 0."""

    @property
    def question(self) -> str:
        """Text of the last message."""
        return str(self.messages[-1]["content"])


class Verifier(Protocol):
    """r_v of the paper: whether a completion solves its problem."""

    def __call__(self, problem: Problem, completion: str) -> bool:
        """The verdict on the text of a completion, without its EOS."""


class Task(Protocol):
    """A source of problems."""

    @property
    def name(self) -> str:
        """Short, for reports and file names."""

    @property
    def verifier(self) -> Verifier | None:
        """The task's own verifier; None where the configuration must name one."""

    def problems(self, split: Split, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split (all there are for None), the same for the same seed.

        Raises DataError for a row that cannot be used, with where it stands, and where there are
        fewer than `count`; ConfigurationError for a None where problems are generated without end.
        """


@dataclass(frozen=True, slots=True)
class Part:
    """One task of several in one."""

    task: Task
    weight: float
    """Its share of the problems, relative to the other parts'."""
    verifier: str
    """Name of the verifier that judges its problems."""


@runtime_checkable
class PartedTask(Task, Protocol):
    """A task whose problems are of several tasks (`Problem.part`)."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The tasks."""
