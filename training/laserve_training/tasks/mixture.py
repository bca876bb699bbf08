"""Several tasks in one: each gives its share of the problems."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from laserve.errors import ConfigurationError
from laserve_training.problem import Part, Problem, Split
from laserve_training.tasks.files import FileTask, refuse_shared_questions


@dataclass(frozen=True)
class MixtureTask:
    """Problems of several tasks, by weight and in random order."""

    name: str
    parts: tuple[Part, ...]

    @property
    def verifier(self) -> None:
        """Its parts have theirs."""
        return None

    def problems(self, split: Split, count: int | None, seed: int) -> list[Problem]:
        """`count` problems, of each part its share, rounded to whole ones by largest remainder.

        Raises ConfigurationError where `count` is None; DataError where a question stands in a file
        of one split and in another part's of another; and what the parts raise.
        """
        if count is None:
            raise ConfigurationError(
                f"the parts of {self.name} go by their weights: say how many {split} problems"
            )
        self._check_files()
        drawn = [
            replace(problem, where=f"part {index}, {problem.where}", part=index)
            for index, share in enumerate(_shares([part.weight for part in self.parts], count))
            if share
            for problem in self.parts[index].task.problems(split, share, seed)
        ]
        Random(f"{self.name} {split} {seed}").shuffle(drawn)
        return drawn

    def _check_files(self) -> None:
        every: dict[Split, list[Problem]] = {split: [] for split in Split}
        for part in self.parts:
            if isinstance(part.task, FileTask):
                for split, problems in part.task.every.items():
                    every[split] += problems
        refuse_shared_questions(every)


def _shares(weights: Sequence[float], count: int) -> list[int]:
    """`count` in whole shares (the largest remainders are rounded up)."""
    exact = [count * weight / sum(weights) for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: shares[index] - exact[index])
    for index in by_remainder[: count - sum(shares)]:
        shares[index] += 1
    return shares
