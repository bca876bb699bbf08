"""The bound on the risk holds as often as it says, and answers nearly all that it could."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from laserve.selection.learn_then_test import lowest_score, units_needed

Floats = NDArray[np.float64]
GRID = np.linspace(0.0, 1.0, 2_001)


def falling(score: Floats) -> Floats:
    """Above a third of all answers the risk is 0.1 or less."""
    return 0.3 * (1.0 - score)


def up_and_down(score: Floats) -> Floats:
    """0.09 at the highest scores, then 0.11, 0.084 and 0.119 of what is answered."""
    return np.select([score > 0.7, score > 0.5, score > 0.3], [0.09, 0.14, 0.02], 0.2)


def just_above(score: Floats) -> Floats:
    """Wherever it is put, the threshold breaks the promise."""
    return np.full_like(score, 0.1001)


def bad_at_the_top(score: Floats) -> Floats:
    return np.where(score > 0.9, 0.13, np.where(score > 0.4, 0.05, 0.2))


def true_risk(risk: Callable[[Floats], Floats], threshold: float) -> float:
    """Of what is answered, for scores of equal density on [0, 1]."""
    return float(risk(GRID[threshold <= GRID]).mean())


def redrawn(
    risk: Callable[[Floats], Floats], units: int, redraws: int, max_risk: float, delta: float
) -> list[float | None]:
    """The threshold of each redraw; None where nothing is answered."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(redraws):
        scores = rng.random(units)
        correct = rng.random(units) >= risk(scores)
        bound = lowest_score(scores.tolist(), correct.tolist(), max_risk, delta)
        found.append(None if bound is None else bound.score)
    return found


@pytest.mark.parametrize("risk", [falling, up_and_down, just_above, bad_at_the_top])
@pytest.mark.parametrize("units", [150, 600])
def test_the_bound_holds_in_all_but_delta_of_the_redraws(
    risk: Callable[[Floats], Floats], units: int
) -> None:
    redraws, delta = 300, 0.1
    thresholds = redrawn(risk, units, redraws, 0.1, delta)
    broken = sum(one is not None and true_risk(risk, one) > 0.1 for one in thresholds)
    assert broken / redraws <= delta + 3 * math.sqrt(delta * (1 - delta) / redraws)


@pytest.mark.parametrize("units", [800, 2000])
def test_it_answers_nine_tenths_of_what_the_true_risk_allows(units: int) -> None:
    def risk(score: Floats) -> Floats:
        return 0.01 + 3.0 * np.maximum(0.4 - score, 0.0)

    allowed = [threshold for threshold in GRID if true_risk(risk, threshold) <= 0.05]
    thresholds = redrawn(risk, units, 100, 0.05, 0.1)
    share = np.mean([0.0 if one is None else 1.0 - one for one in thresholds])
    assert share >= 0.9 * (1.0 - min(allowed))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=25),
    st.sampled_from([0.1, 0.2]),
    st.sampled_from([0.05, 0.1]),
)
def test_each_threshold_down_to_it_passes_a_test_of_its_own(
    units: list[tuple[int, bool]], max_risk: float, delta: float
) -> None:
    """So few units have one sequence: by its definition, with SciPy's distribution."""
    expected = None
    needed = units_needed(max_risk, delta)
    for score in sorted({score for score, _ in units}, reverse=True):
        answered = [correct for other, correct in units if other >= score]
        wrong = answered.count(False)
        if len(answered) < needed:
            continue
        if binom.cdf(wrong, len(answered), max_risk) > delta:
            break
        expected = (score, len(answered), wrong)
    found = lowest_score([s for s, _ in units], [c for _, c in units], max_risk, delta)
    assert expected == (found and (found.score, found.answered, found.wrong))


@pytest.mark.parametrize(("max_risk", "delta", "needed"), [(0.05, 0.1, 45), (0.01, 0.05, 299)])
def test_so_many_right_answers_show_it_and_no_fewer(
    max_risk: float, delta: float, needed: int
) -> None:
    assert units_needed(max_risk, delta) == needed
    assert lowest_score([1.0] * needed, [True] * needed, max_risk, delta) is not None
    fewer = needed - 1
    assert lowest_score([1.0] * fewer, [True] * fewer, max_risk, delta) is None
    assert lowest_score([], [], max_risk, delta) is None
