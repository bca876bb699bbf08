"""What is done where a method that ranks by scores finds none."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.core.types import Method, SelfReward, Status
from laserve.selection.options import SelectionMethod
from laserve.selection.outcome import StopCause
from laserve.selection.sample import Sample
from tests.unit.selection.samples import PlayedBack, run, sample, select

RANKING = [SelectionMethod.WEIGHTED_MAJORITY, SelectionMethod.BEST_OF_N]
ANSWERS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=10)


def unscored(index: int, text: str, status: Status = Status.STOP_STRING) -> Sample[None]:
    reward = SelfReward(
        score=None, logprob=None, status=status, method=Method.POST_HOC, checkpoint="tiny"
    )
    return replace(sample(index, text), reward=reward)


def all_unscored(answers: Any) -> list[Sample[None]]:
    return [unscored(index, text) for index, text in enumerate(answers)]


@given(ANSWERS, st.sampled_from(RANKING), st.sampled_from(["score", "confidence"]), st.integers())
async def test_without_any_score_the_majority_chooses_and_is_named(
    answers: list[str], method: str, weights: str, seed: int
) -> None:
    given = all_unscored(answers)
    outcome = (await select(given, method=method, weights=weights, seed=seed)).outcome
    majority = (await select(given, method="majority", seed=seed)).outcome
    assert (outcome.method, outcome.applied_method) == (method, "majority")
    assert outcome.unscored == {Status.STOP_STRING: len(answers)}
    assert outcome.votes == majority.votes
    assert [vote.weight for vote in outcome.votes] == [float(v.count) for v in outcome.votes]
    assert (outcome.answer, outcome.selected_index) == (majority.answer, majority.selected_index)
    assert outcome.confidence is None


@pytest.mark.parametrize("method", RANKING)
async def test_one_score_is_enough_for_the_method_and_the_others_are_counted(method: str) -> None:
    given = [
        unscored(0, "a"),
        sample(1, "b", 0.2),
        unscored(2, "a", Status.CONTEXT_FULL),
        unscored(3, "a"),
    ]
    outcome = (await select(given, method=method)).outcome
    assert (outcome.answer, outcome.applied_method) == ("b", method)
    assert outcome.unscored == {Status.STOP_STRING: 2, Status.CONTEXT_FULL: 1}


@pytest.mark.parametrize("method", RANKING)
async def test_the_score_of_a_sample_without_a_vote_is_none_to_rank_by(method: str) -> None:
    given = [unscored(0, r"\boxed{1}"), sample(1, "no box", 0.9), unscored(2, r"\boxed{2}")]
    outcome = (await select(given, method=method, answer="boxed")).outcome
    assert outcome.applied_method == "majority"
    assert outcome.unscored == {Status.STOP_STRING: 2}


async def test_a_majority_is_applied_as_it_is_asked_for() -> None:
    outcome = (await select(all_unscored("aab"), method="majority")).outcome
    assert (outcome.applied_method, outcome.unscored) == ("majority", {Status.STOP_STRING: 3})


async def test_where_no_scores_were_wanted_none_are_missed() -> None:
    given = [replace(sample(index, "a"), reward=None) for index in range(2)]
    outcome = (await select(given, method="majority")).outcome
    assert (outcome.applied_method, outcome.unscored) == ("majority", {})


async def test_a_confidence_that_was_asked_for_is_not_reached_without_scores() -> None:
    outcome = (await select(all_unscored("aaa"), min_confidence=0.1)).outcome
    assert (outcome.answer, outcome.abstained, outcome.applied_method) == ("a", True, "majority")


@given(ANSWERS, st.lists(st.booleans(), min_size=10, max_size=10), st.integers())
async def test_stopping_early_is_safe_where_samples_have_no_score(
    answers: list[str], scored: list[bool], seed: int
) -> None:
    given = [
        sample(index, text, 0.9) if has_score else unscored(index, text)
        for index, (text, has_score) in enumerate(zip(answers, scored, strict=False))
    ]
    asked: dict[str, Any] = {"n_max": len(given), "n_parallel": 1, "seed": seed}
    adaptive = (await run(PlayedBack(given), **asked)).outcome
    fixed = (await run(PlayedBack(given), adaptive=False, **asked)).outcome
    assert fixed.stop_cause == StopCause.N_MAX
    assert (adaptive.answer, adaptive.applied_method) == (fixed.answer, fixed.applied_method)
