"""The least score at which answers are wrong no more often than is allowed.

Learn then test (arXiv 2110.01052) with fixed-sequence testing: for each threshold, from the
strictest on, the hypothesis "of what is answered at it, more than `max_risk` is wrong" is tested by
the lower tail of the binomial distribution; the last one before the first that is not rejected is
taken. To take one at which the risk is above `max_risk`, the hypothesis at the strictest of these
must have been rejected, which happens to a true one with probability `delta` at most, over the draw
of the units. Nothing is assumed of how the risk changes with the threshold.

A sequence begins where a test can succeed. There a single error ends it: so others begin at twice,
four and eight times as many answered units, as far as there are so many, and each has its share of
`delta`. That they begin at counts leaves the verdicts out of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import bdtr

STARTS = (1, 2, 4, 8)
"""Where sequences begin, in units that the first test needs."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A threshold, and what the units show of it."""

    score: float
    """What is answered at this score or above is wrong in `max_risk` of the cases at most."""
    answered: int
    """Units at this score or above."""
    wrong: int
    """Those of them that are wrong."""


def units_needed(max_risk: float, delta: float) -> int:
    """The fewest answered units that can show it: so many would all be right, were the risk
    `max_risk`, with probability `delta` at most."""
    return math.ceil(math.log(delta) / math.log1p(-max_risk))


def lowest_score(
    scores: Sequence[float], correct: Sequence[bool], max_risk: float, delta: float
) -> Bound | None:
    """The lowest threshold that passes; None where no sequence has one.

    One score and one verdict for each of the units, which are independent of each other: one of
    each problem. `max_risk` and `delta` are between 0 and 1.
    """
    steps = _steps(scores, correct)
    # P(errors <= those seen), were the risk max_risk.
    p_values = bdtr(
        [float(step.wrong) for step in steps], [step.answered for step in steps], max_risk
    )
    level, starts = _sequences(len(scores), max_risk, delta)
    found: Bound | None = None
    for start in starts:
        for step, p_value in zip(steps, p_values.tolist(), strict=True):
            if step.answered < start:
                continue
            if p_value > level:
                break
            if found is None or step.answered > found.answered:
                found = step
    return found


def _steps(scores: Sequence[float], correct: Sequence[bool]) -> list[Bound]:
    """Each threshold, the strictest first: units of one score are answered together."""
    steps: list[Bound] = []
    wrong = 0
    falling = sorted(zip(scores, correct, strict=True), key=lambda unit: -unit[0])
    for answered, (score, is_correct) in enumerate(falling, start=1):
        wrong += not is_correct
        if steps and steps[-1].score == score:
            steps.pop()
        steps.append(Bound(score, answered, wrong))
    return steps


def _sequences(units: int, max_risk: float, delta: float) -> tuple[float, list[int]]:
    """The share of `delta` that each sequence has, and the answered units that they begin at."""
    for count in range(len(STARTS), 1, -1):
        needed = units_needed(max_risk, delta / count)
        if STARTS[count - 1] * needed <= units:
            return delta / count, [times * needed for times in STARTS[:count]]
    return delta, [units_needed(max_risk, delta)]
