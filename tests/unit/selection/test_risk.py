"""A selection with a bounded risk: what it is bounded from, and that what was measured is done."""

from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers.math_equality import MathEqualityPool
from laserve.core.calibration import PlattCalibration
from laserve.core.judged import CalibrationSample, CalibrationSampling, JudgedSamples
from laserve.errors import RequestError
from laserve.selecting.plan import Planner, read_plainly
from laserve.selection.learn_then_test import lowest_score
from laserve.selection.options import SelectionMethod, SelectionOptions
from laserve.selection.outcome import RiskReport
from laserve.selection.risk import bounded_risk, chosen, policy_of, units_of
from laserve.selection.voting import Vote
from tests.unit.selection.samples import PlayedBack, run, sample, samples
from tests.unit.serving.fake_serving import PARAMETERS

SAMPLING = CalibrationSampling(samples=8, unscored=0, temperature=1.0, max_tokens=24, answer="text")
VOTES = st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1.0, 2.0)), min_size=1, max_size=8)
RISK = RiskReport(max_risk=0.1, delta=0.1, min_score=0.6, problems=90, answered=80, wrong=2)


def judged(problems: int = 150, **sampling: Any) -> JudgedSamples:
    """A third of the answers are right, and have the higher scores."""
    rng = np.random.default_rng(0)
    kept = [
        CalibrationSample(
            problem=f"calibration {problem}",
            score=float(is_right + rng.normal(0.0, 0.3)),
            answer_group=0 if is_right else int(rng.integers(1, 4)),
            correct=is_right,
        )
        for problem in range(problems)
        for is_right in (rng.random(SAMPLING.samples) < 0.33).tolist()
    ]
    return JudgedSamples(tuple(kept), SAMPLING.model_copy(update=sampling))


JUDGED = judged()
CALIBRATION = PlattCalibration(ece=0.01, fitted_on="it", a=4.0, b=-2.0)


@given(
    VOTES,
    st.sampled_from(SelectionMethod),
    st.none() | st.just(0.8),
    st.booleans(),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
async def test_what_is_measured_of_a_policy_is_what_a_selector_does_whoever_ends_first(
    votes: list[tuple[str, float]],
    method: SelectionMethod,
    posterior: float | None,
    adaptive: bool,
    parallel: int,
    random: Any,
) -> None:
    options: dict[str, Any] = {
        "method": method,
        "n_max": len(votes),
        "adaptive": adaptive,
        "posterior": None if method == SelectionMethod.BEST_OF_N else posterior,
    }
    policy = policy_of(SelectionOptions(**options, max_risk=0.1))
    keyed = [(key, Vote(key, index, score, None)) for index, (key, score) in enumerate(votes)]
    leader = chosen(policy, keyed, seed=3)
    assert leader is not None
    order = random.sample(range(len(votes)), len(votes))
    outcome = (
        await run(
            PlayedBack(samples(*votes), order), seed=3, n_parallel=parallel, risk=RISK, **options
        )
    ).outcome
    assert (outcome.answer, outcome.score) == (leader.best.answer, leader.score)
    assert outcome.selected_index == leader.best.index
    assert outcome.risk == RISK
    assert outcome.abstained == (leader.score is None or leader.score < RISK.min_score)
    assert outcome.decision == ("abstained" if outcome.abstained else "answered")


async def test_an_answer_without_a_score_is_abstained_from() -> None:
    outcome = (await run(PlayedBack([sample(0, "a", None)]), n_max=1, risk=RISK)).outcome
    assert (outcome.answer, outcome.score, outcome.decision) == ("a", None, "abstained")


def test_the_bound_is_of_one_answer_to_each_problem() -> None:
    options = SelectionOptions(method=SelectionMethod.BEST_OF_N, n_max=4, max_risk=0.1)
    units = units_of(JUDGED, policy_of(options))
    assert units.problems == len(units.scores) == 150
    best = {
        round(max(one.score for one in kept), 12)
        for _, kept in groupby(JUDGED.samples, lambda one: one.problem)
    }
    # Half of a problem's samples have its highest score among them in half of the cases.
    assert 40 <= len(best & {round(score, 12) for score in units.scores}) <= 110
    report = bounded_risk(options, 0.1, JUDGED, "tiny")
    bound = lowest_score(units.scores, units.correct, 0.1, 0.1)
    assert bound is not None
    assert (report.min_score, report.answered, report.wrong) == (
        bound.score,
        bound.answered,
        bound.wrong,
    )
    assert report.wrong / report.answered < 0.1


def test_a_single_answer_and_a_choice_have_thresholds_of_their_own() -> None:
    single = bounded_risk(SelectionOptions(n_max=1), 0.1, JUDGED, "tiny")
    several = bounded_risk(SelectionOptions(n_max=8), 0.1, JUDGED, "tiny")
    assert single.min_score != several.min_score
    assert several.answered > 1.5 * single.answered


def test_samples_without_a_score_answer_nothing() -> None:
    halved = JudgedSamples(
        tuple(one for number, one in enumerate(JUDGED.samples) if number % 2), SAMPLING
    )
    units = units_of(halved, policy_of(SelectionOptions(n_max=1)))
    assert units.problems == 150
    assert 47 <= len(units.scores) <= 103  # each with probability 1/2: 4.6 SE


@pytest.mark.parametrize(
    ("options", "sampling", "param", "named"),
    [
        ({"min_confidence": 0.9}, {}, "min_confidence", "calibration"),
        ({"weights": "confidence"}, {}, "weights", "calibration"),
        ({"max_total_tokens": 99}, {}, "max_total_tokens", "how long"),
        ({"timeout_s": 9}, {}, "timeout_s", "how long"),
        ({"n_max": 9}, {}, "n_max", "8 judged samples"),
        ({"answer": "boxed"}, {}, "answer", "'text'"),
        ({"answer": "text"}, {"answer": "boxed"}, "answer", "'boxed'"),
        ({"equality": "math"}, {}, "equality", "'string'"),
        ({"max_risk": 0.001}, {}, "max_risk", "2302 answered problems"),
    ],
)
async def test_a_policy_that_the_samples_do_not_show_is_refused_by_name(
    options: dict[str, Any], sampling: dict[str, Any], param: str, named: str
) -> None:
    asked = SelectionOptions.model_validate({"max_risk": 0.1, **options})
    parameters = replace(PARAMETERS, judged=judged(**sampling))
    if asked.needs_confidence:
        parameters = replace(parameters, calibration=CALIBRATION)
    with pytest.raises(RequestError, match=named) as refusal:
        await Planner({}, MathEqualityPool()).plan(asked, parameters, seed=0, read=read_plainly)
    assert refusal.value.param == f"selection.{param}"


def test_scores_that_tell_nothing_bound_no_risk() -> None:
    same = tuple(one.model_copy(update={"score": 0.5}) for one in JUDGED.samples)
    asked = SelectionOptions(n_max=1)
    with pytest.raises(RequestError, match="ask for a larger max_risk"):
        bounded_risk(asked, 0.5, JudgedSamples(same, SAMPLING), "tiny")
    report = bounded_risk(asked, 0.8, JudgedSamples(same, SAMPLING), "tiny")
    assert (report.min_score, report.answered) == (0.5, 150)


async def test_without_judged_samples_it_is_refused() -> None:
    planner = Planner({}, MathEqualityPool())
    with pytest.raises(RequestError, match="org/tiny has none"):
        await planner.plan(SelectionOptions(max_risk=0.1), PARAMETERS, seed=0, read=read_plainly)


async def test_all_of_a_single_text_is_an_answer_whatever_the_groups_are_of() -> None:
    boxed = judged(answer="boxed")
    asked = SelectionOptions(n_max=1, max_risk=0.1)
    plan = await Planner({}, MathEqualityPool()).plan(
        asked, replace(PARAMETERS, judged=boxed), seed=0, read=read_plainly
    )
    assert plan.risk == bounded_risk(asked, 0.1, JUDGED, "tiny")
    assert plan.sampling == boxed.sampling
