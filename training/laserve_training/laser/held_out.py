"""The solutions of an evaluation while a model trains: of all processes, by their problems."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SHOWN = 8
"""Solutions whose text is kept, for readers."""


@dataclass(frozen=True, slots=True)
class ShownSolution:
    """One solution in words."""

    prompt: str
    completion: str
    is_correct: bool
    score: float
    """NaN where it has no EOS."""


@dataclass(slots=True)
class HeldOutSolutions:
    """P problems with N = `group_size` solutions each.

    Processes that have no solution left at the end of an evaluation are given some of the first
    problems again; of each problem the first N solutions count.
    """

    group_size: int
    shown: list[ShownSolution] = field(default_factory=list)
    """Some, of the main process."""
    _by_problem: dict[int, list[tuple[bool, float]]] = field(default_factory=dict)

    def add(self, solutions: Iterable[tuple[int, bool, float]]) -> None:
        """Add what is whole batches of all processes: the number of its problem, the verdict and
        the score (NaN without an EOS) of each solution."""
        for problem, is_correct, score in solutions:
            of_problem = self._by_problem.setdefault(problem, [])
            if len(of_problem) < self.group_size:
                of_problem.append((is_correct, score))

    @property
    def correct_PN(self) -> NDArray[np.bool_]:
        """The verdicts."""
        return self._column(0).astype(np.bool_)

    @property
    def scores_PN(self) -> NDArray[np.float64]:
        """The scores; NaN where a solution has no EOS."""
        return self._column(1)

    def _column(self, index: int) -> NDArray[np.float64]:
        whole = [rows for rows in self._by_problem.values() if len(rows) == self.group_size]
        return np.array([[row[index] for row in rows] for rows in whole], dtype=np.float64)
