"""The generated problems of the library reasoning_gym, each dataset with its own scorer.

Three of its datasets (isomorphic_strings, polynomial_multiplication, ransom_note) depend on the
hash seed of Python too: set PYTHONHASHSEED where another run must give the same problems.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, cast

import reasoning_gym
from pydantic import JsonValue
from reasoning_gym.factory import DATASETS

from laserve.answers.boxed import last_boxed
from laserve.answers.worker import Worker
from laserve.errors import ConfigurationError, DataError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.splits import split_of

SCORE_TIMEOUT_S = 10.0
"""Some scorers evaluate the answer: it may be endless."""

DRAWS_PER_PROBLEM = 50
"""The smallest split gets one draw in ten."""


@dataclass(frozen=True)
class ReasoningGymTask:
    """Problems of one dataset, made with `options` (the fields of its configuration).

    A question belongs to the split that a hash of its text gives it to. Problems have the dataset's
    entry as their metadata, as it was made: some scorers tell tuples from lists. Their answer is
    empty where any of several is right; where the dataset gives one, it is the demonstration.
    Raises ConfigurationError for an unknown dataset or options that it refuses.
    """

    dataset: str
    options: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            close = difflib.get_close_matches(self.dataset, DATASETS, n=5)
            hint = f"did you mean {' or '.join(close)}?" if close else "see its GALLERY.md"
            raise ConfigurationError(f"reasoning_gym has no dataset {self.dataset!r}: {hint}")
        own = sorted({"seed", "size"} & self.options.keys())
        if own:
            raise ConfigurationError(
                f"options of reasoning_gym {self.dataset}: {' and '.join(own)} cannot be given, "
                "the task sets them"
            )
        _make(self.dataset, self.options, seed=0, size=1)

    @property
    def name(self) -> str:
        """Short, for reports and file names."""
        return f"reasoning_gym_{self.dataset}"

    @cached_property
    def verifier(self) -> "ReasoningGymVerifier":
        """The dataset's scorer."""
        return ReasoningGymVerifier(self.dataset, self.options)

    def problems(self, split: Split, count: int | None, seed: int) -> list[Problem]:
        """`count` problems with different questions.

        Raises ConfigurationError where `count` is None, DataError where the dataset does not have
        so many in this split.
        """
        if count is None:
            raise ConfigurationError(
                f"{self.name} problems are generated without end: say how many {split} problems"
            )
        draws = DRAWS_PER_PROBLEM * (count + 1)
        rng = Random(f"{self.name} {seed}")
        entries = _make(self.dataset, self.options, seed=rng.getrandbits(31), size=draws)
        problems: dict[str, Problem] = {}
        # In random order: some datasets put their kinds of problems one after the other.
        for index in rng.sample(range(draws), draws):
            if len(problems) == count:
                break
            entry = entries[index]
            question = entry["question"]
            if split_of(question) == split and question not in problems:
                problems[question] = Problem(
                    where=f"{self.name} {split} {len(problems)}",
                    messages=({"role": "user", "content": question},),
                    answer=entry["answer"] or "",
                    metadata=cast("dict[str, JsonValue]", entry),
                    completion=entry["answer"] or None,
                )
        if len(problems) < count:
            raise DataError(
                f"{self.name} gave {len(problems)} different {split} problems in {draws} draws, "
                f"{count} are asked for: ask for fewer, or give options with more variety"
            )
        return list(problems.values())


class ReasoningGymVerifier:
    r"""Correct is what the dataset's own scorer gives the full score, 1.0.

    Scored is what stands in the last `<answer>...</answer>`, or in the whole completion where it
    has none; of that the last `\boxed{...}`, or all of it without the white space around it.
    """

    def __init__(self, dataset: str, options: Mapping[str, JsonValue]) -> None:
        # In another process: scorers that evaluate the answer can be kept busy for ever.
        self._worker = Worker(_Scorer(dataset, options), SCORE_TIMEOUT_S)

    def __call__(self, problem: Problem, completion: str) -> bool:
        """The verdict on the text of a completion."""
        head, closed, _ = completion.rpartition("</answer>")
        _, opened, inner = head.rpartition("<answer>")
        given = inner if opened and closed else completion
        boxed = last_boxed(given)
        try:
            return self._worker(given.strip() if boxed is None else boxed.strip(), problem.metadata)
        except TimeoutError:
            return False

    def close(self) -> None:
        """Ends the process that scores."""
        self._worker.close()


@dataclass(frozen=True)
class _Scorer:
    """Runs in the worker's process."""

    dataset: str
    options: Mapping[str, JsonValue]

    @cached_property
    def _entries(self) -> Any:
        return _make(self.dataset, self.options, seed=0, size=1)

    def __call__(self, answer: str, entry: Mapping[str, JsonValue]) -> bool:
        try:
            return bool(self._entries.score_answer(answer, entry) == 1.0)
        # How scorers of reasoning_gym fail on answers that they cannot read.
        except (ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError):
            return False


def _make(dataset: str, options: Mapping[str, JsonValue], seed: int, size: int) -> Any:
    try:
        return reasoning_gym.create_dataset(dataset, seed=seed, size=size, **options)
    # Unknown fields, wrong types, and the checks of reasoning_gym's configurations.
    except (TypeError, AttributeError, AssertionError, ValueError) as error:
        raise ConfigurationError(
            f"options of reasoning_gym {dataset} are refused: {error}"
        ) from error
