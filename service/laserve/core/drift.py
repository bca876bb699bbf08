"""Whether scores are still distributed as those of the evaluation: a sequential test.

Each score becomes its rank among the reference scores, uniform on [0, 1] as long as both come from
one distribution. Against that, bets are laid that win where ranks move to one side, to both ends or
to the middle; none wins in the mean where that is by less than a tolerance, so that what was won is
evidence of more. The Shiryaev-Roberts sum of a bet's wins, begun anew at every score, averaged over
the bets, reaches a limit by chance no more often than once in as many scores (e-detectors: Shin,
Ramdas, Rinaldo, arXiv 2203.03532).
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import product
from random import Random

RUN_LENGTH = 100_000
"""Scores between two false alarms, at least, on average."""
MIN_REFERENCE = 200
"""Reference scores without which there is no test: the ranks among fewer are too uneven."""
TOLERANCE = 0.1
"""By which the mean of a shape may be off: a probability of 0.55 that a score is above one of the
evaluation's is no drift yet. By chance the evaluation itself may be off by half of that."""
_STAKES = (0.25, 0.5, 0.75)
"""Of what was won so far. The low ones win by small shifts, the high ones soon."""
_SHAPES: tuple[Callable[[float], float], ...] = (
    lambda rank: 2 * rank - 1,
    lambda rank: 6 * rank * (rank - 1) + 1,
)
"""Legendre polynomials: to one side; to both ends."""
_BETS = tuple(product(_SHAPES, (1.0, -1.0), _STAKES))


class ScoreDrift:
    """The test of one checkpoint's scores, each of another request: samples of one prompt are not
    independent."""

    def __init__(
        self,
        reference: Sequence[float],
        run_length: float = RUN_LENGTH,
        random: Random | None = None,
    ) -> None:
        """``reference``: scores of the evaluation, rising. ``random`` breaks ties with them."""
        self._reference = reference
        self._limit = run_length * len(_BETS)
        self._random = random or Random()
        self._sums = [0.0] * len(_BETS)
        self.scores = 0
        """How many were seen."""

    def observe(self, score: float) -> bool:
        """Take one more; returns whether the limit is reached by it."""
        drifted = self.has_drifted
        rank = self._rank(score)
        self._sums = [
            # Beyond the limit more evidence says nothing, and would have to be undone.
            min((sum_so_far + 1) * (1 + stake * (sign * shape(rank) - TOLERANCE)), self._limit)
            for sum_so_far, (shape, sign, stake) in zip(self._sums, _BETS, strict=True)
        ]
        self.scores += 1
        return self.has_drifted and not drifted

    @property
    def ratio(self) -> float:
        """The evidence of drift, of the limit, both as logarithms: 1 and above is an alarm. It
        falls again where the scores are the reference's again."""
        return math.log(max(sum(self._sums), len(_BETS)) / len(_BETS)) / math.log(
            self._limit / len(_BETS)
        )

    @property
    def has_drifted(self) -> bool:
        """Whether the evidence is at its limit."""
        return sum(self._sums) >= self._limit

    def _rank(self, score: float) -> float:
        """(0, 1), uniform where the score is one of the reference's distribution (conformal
        p-value, ties broken by chance)."""
        below = bisect_left(self._reference, score)
        equal = bisect_right(self._reference, score) - below
        return (below + self._random.random() * (equal + 1)) / (len(self._reference) + 1)
