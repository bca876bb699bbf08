"""Which answer wins: the properties that every selection has."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.selection.options import SelectionMethod
from tests.unit.selection.samples import sample, samples, select

ANSWERS = st.sampled_from("abcd")
SCORES = st.floats(-2.0, 2.0)
VOTES = st.lists(st.tuples(ANSWERS, SCORES), min_size=1, max_size=10)
METHODS = st.sampled_from(SelectionMethod)


async def test_majority_counts_samples() -> None:
    chosen = await select(samples(("a", 0.1), ("b", 0.9), ("a", 0.2)), method="majority")
    assert chosen.outcome.answer == "a"
    assert [(v.answer, v.count, v.weight) for v in chosen.outcome.votes] == [
        ("a", 2, 2.0),
        ("b", 1, 1.0),
    ]


async def test_weighted_majority_sums_scores_clipped_to_0_and_1() -> None:
    given = samples(("a", 0.5), ("b", 1.7), ("a", 0.6), ("c", -3.0))
    chosen = await select(given, method="weighted_majority")
    # a: 0.5 + 0.6; b: 1.7 counts 1; c: -3 counts 0.
    assert [(v.answer, v.weight) for v in chosen.outcome.votes] == [
        ("a", pytest.approx(1.1)),
        ("b", 1.0),
        ("c", 0.0),
    ]


async def test_weighted_majority_by_confidence_sums_confidences() -> None:
    given = [sample(0, "a", 0.9, 0.2), sample(1, "b", 0.1, 0.7), sample(2, "a", 0.9, 0.3)]
    chosen = await select(given, weights="confidence")
    assert chosen.outcome.answer == "b"
    assert chosen.outcome.votes[1].weight == pytest.approx(0.5)


async def test_best_of_n_takes_the_highest_score_unclipped() -> None:
    chosen = await select(samples(("a", 1.2), ("b", 1.3), ("a", 0.9)), method="best_of_n")
    assert (chosen.outcome.answer, chosen.outcome.votes[0].weight) == ("b", 1.3)


async def test_the_highest_score_of_the_winning_answer_is_the_choice() -> None:
    given = samples(("a", 0.1), ("b", 0.9), ("a", 0.4), ("a", 0.4))
    chosen = await select(given, method="majority")
    assert chosen.outcome.selected_index == 2


async def test_equal_weights_go_to_the_answer_of_more_samples() -> None:
    chosen = await select(samples(("a", 0.8), ("b", 0.4), ("b", 0.4)))
    assert chosen.outcome.answer == "b"


async def test_a_tie_depends_on_the_seed_alone() -> None:
    given = samples(("a", 0.5), ("b", 0.5), ("c", 0.5))
    winners = {(await select(given, seed=seed)).outcome.answer for seed in range(30)}
    assert winners == {"a", "b", "c"}


@given(VOTES, METHODS, st.randoms(use_true_random=False), st.integers())
async def test_the_order_of_arrival_changes_nothing(
    votes: list[tuple[str, float]], method: str, random: Any, seed: int
) -> None:
    given = samples(*votes)
    order = list(range(len(given)))
    random.shuffle(order)
    first = await select(given, method=method, seed=seed)
    again = await select(given, method=method, seed=seed, order=order)
    assert again.outcome == first.outcome
    assert again.winner is first.winner


@given(VOTES, METHODS, st.randoms(use_true_random=False), st.integers())
async def test_the_order_of_candidates_does_not_change_the_answer(
    votes: list[tuple[str, float]], method: str, random: Any, seed: int
) -> None:
    first = await select(samples(*votes), method=method, seed=seed)
    random.shuffle(votes)
    again = await select(samples(*votes), method=method, seed=seed)
    assert again.outcome.votes == first.outcome.votes


@given(st.lists(ANSWERS, min_size=1, max_size=10), SCORES, st.integers())
async def test_equal_weights_reduce_to_majority(
    answers: list[str], score: float, seed: int
) -> None:
    given = samples(*((answer, score) for answer in answers))
    weighted = await select(given, method="weighted_majority", seed=seed)
    majority = await select(given, method="majority", seed=seed)
    assert weighted.outcome.answer == majority.outcome.answer


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.just(0.0)), min_size=1, max_size=8),
    st.floats(0.0, 2.0, exclude_min=True),
    st.sampled_from(["weighted_majority", "best_of_n"]),
    st.integers(),
)
async def test_a_score_of_zero_never_wins_against_a_positive_one(
    zeros: list[tuple[str, float]], positive: float, method: str, seed: int
) -> None:
    chosen = await select(samples(*zeros, ("right", positive)), method=method, seed=seed)
    assert chosen.outcome.answer == "right"


@pytest.mark.parametrize("method", SelectionMethod)
async def test_what_was_cut_short_or_has_no_answer_votes_for_nothing_and_is_counted(
    method: str,
) -> None:
    given = [
        sample(0, r"\boxed{1}", None, finish_reason="length"),
        sample(1, "no box", 0.9),
        sample(2, r"\boxed{2}", 0.1),
        sample(3, r"\boxed{1}", None, finish_reason="length"),
    ]
    outcome = (await select(given, method=method, answer="boxed")).outcome
    assert outcome.answer == "2"
    assert [vote.count for vote in outcome.votes] == [1]
    assert (outcome.unvoted.truncated, outcome.unvoted.no_answer) == (2, 1)


async def test_without_a_vote_a_complete_sample_is_the_choice_and_the_answer_is_null() -> None:
    given = [
        sample(0, "cut", None, finish_reason="length", tokens=50),
        sample(1, "whole", 0.2),
        sample(2, "better", 0.4),
    ]
    chosen = await select(given, answer="boxed")
    assert (chosen.outcome.answer, chosen.outcome.selected_index) == (None, 2)
    assert chosen.outcome.confidence is None


async def test_a_sample_that_was_not_scored_weighs_nothing() -> None:
    given = [sample(0, "a", None, finish_reason="stop"), sample(1, "b", 0.1)]
    assert (await select(given, method="weighted_majority")).outcome.answer == "b"
    best = (await select(given, method="best_of_n")).outcome
    assert best.answer == "b"
    assert best.votes[1].weight is None


async def test_the_confidence_is_the_mean_over_the_answers_samples_or_the_winners_own() -> None:
    given = [sample(0, "a", 0.9, 0.8), sample(1, "a", 0.7, 0.6), sample(2, "b", 0.1, 0.1)]
    vote = (await select(given, method="majority")).outcome
    best = (await select(given, method="best_of_n")).outcome
    assert vote.confidence == pytest.approx(0.7)
    assert best.confidence == 0.8


async def test_answers_that_differ_in_white_space_are_one() -> None:
    outcome = (await select(samples(("x = 1", 0.2), ("x  =\n1 ", 0.3)))).outcome
    assert [(vote.answer, vote.count) for vote in outcome.votes] == [("x  =\n1 ", 2)]
