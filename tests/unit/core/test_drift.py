"""Drift is seen soon, and seldom where there is none."""

import math
from collections.abc import Callable
from random import Random
from statistics import mean

import pytest

from laserve.core.drift import RUN_LENGTH, ScoreDrift

Draw = Callable[[Random], float]
"""One score of a distribution."""


def usual(random: Random) -> float:
    return random.gauss(0.0, 1.0)


def reference(seed: int, scores: int = 1000) -> list[float]:
    random = Random(seed)
    return sorted(usual(random) for _ in range(scores))


def seen_after(drift: ScoreDrift, draw: Draw, seed: int, most: int) -> int:
    """Scores until the alarm; `most` where there is none by then."""
    random = Random(seed)
    for number in range(1, most + 1):
        if drift.observe(draw(random)):
            return number
    return most


@pytest.mark.parametrize(
    ("draw", "on_average"),
    [
        (lambda random: random.gauss(1.0, 1.0), 80),
        (lambda random: random.gauss(-1.0, 1.0), 80),
        (lambda random: random.gauss(0.4, 1.0), 500),
        (lambda random: random.gauss(0.0, 0.4), 200),
        (lambda random: random.choice((-1, 1)) * random.gauss(2.0, 0.3), 200),
    ],
    ids=["higher", "lower", "a little higher", "to the middle", "to both ends"],
)
def test_other_scores_are_seen(draw: Draw, on_average: int) -> None:
    found = [
        seen_after(ScoreDrift(reference(seed), random=Random(seed)), draw, seed, 10_000)
        for seed in range(10)
    ]
    assert mean(found) < on_average


def test_the_time_between_false_alarms_is_at_least_what_is_stated() -> None:
    """With a short one, as a long one cannot be awaited; ranks at the edge of what is tolerated:
    a density of 1 + 0.3 (2 rank - 1) has the mean 0.1 of that shape."""
    exact = [i / 10_000 for i in range(10_000)]

    def tolerated(random: Random) -> float:
        while True:
            score = random.random()
            if random.random() * 1.3 < 1 + 0.3 * (2 * score - 1):
                return score

    stated, runs = 100, 200
    found = [
        seen_after(ScoreDrift(exact, stated, Random(seed)), tolerated, seed, 20_000)
        for seed in range(runs)
    ]
    assert mean(found) >= stated


@pytest.mark.parametrize("scores", [200, 1000])
def test_a_reference_that_is_itself_a_sample_raises_no_alarm(scores: int) -> None:
    for seed in range(5):
        drift = ScoreDrift(reference(seed, scores), random=Random(seed))
        assert seen_after(drift, usual, seed, 20_000) == 20_000


def test_scores_of_a_few_values_are_no_drift() -> None:
    """Equal texts have equal scores."""
    random = Random(0)

    def few(random: Random) -> float:
        return random.choices((0.0, 0.1, 1.0), (5, 2, 3))[0]

    drift = ScoreDrift(sorted(few(random) for _ in range(1000)), random=Random(0))
    assert seen_after(drift, few, 1, 20_000) == 20_000


def test_the_alarm_is_told_once_and_ends_where_the_scores_are_usual_again() -> None:
    drift, random = ScoreDrift(reference(0), random=Random(0)), Random(1)
    assert drift.ratio == pytest.approx(0.0)
    told = sum(drift.observe(random.gauss(1.5, 1.0)) for _ in range(300))
    assert (told, drift.has_drifted) == (1, True)
    assert drift.ratio >= 1.0
    while drift.has_drifted:
        drift.observe(usual(random))
    assert (scores := drift.scores) < 400
    for _ in range(1000):
        drift.observe(usual(random))
    assert drift.ratio < 0.5
    assert drift.scores == scores + 1000


def test_evidence_and_limit_are_those_of_the_definition() -> None:
    """Twelve bets on one rank: the sums are the stakes' own products."""
    drift = ScoreDrift([0.0, 2.0], random=Random(3))
    rank = (1 + Random(3).random()) / 3
    shapes = (2 * rank - 1, 6 * rank * (rank - 1) + 1)
    expected = mean(
        1 + stake * (sign * shape - 0.1)
        for shape in shapes
        for sign in (1, -1)
        for stake in (0.25, 0.5, 0.75)
    )
    assert not drift.observe(1.0)
    assert drift.ratio == pytest.approx(max(math.log(expected) / math.log(RUN_LENGTH), 0.0))
