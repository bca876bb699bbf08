"""When a selection stops, and that stopping is safe where it says so."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from laserve.selection.options import SelectionMethod, SelectionOptions, Weights
from laserve.selection.outcome import StopCause
from laserve.selection.stopping import likely_to_win, stop_rules
from laserve.selection.voting import Group, Vote
from tests.unit.selection.samples import PlayedBack, run, sample, samples, select

VOTES = st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1.0, 2.0)), min_size=1, max_size=12)


@given(VOTES, st.sampled_from(["majority", "weighted_majority"]), st.integers(1, 4), st.integers())
async def test_an_unassailable_answer_is_the_one_that_all_samples_give(
    votes: list[tuple[str, float]], method: str, parallel: int, seed: int
) -> None:
    given = samples(*votes)
    asked: dict[str, Any] = {
        "method": method,
        "n_max": len(given),
        "n_parallel": parallel,
        "seed": seed,
    }
    adaptive = await run(PlayedBack(given), **asked)
    fixed = await run(PlayedBack(given), adaptive=False, **asked)
    assert fixed.outcome.stop_cause == StopCause.N_MAX
    assert adaptive.outcome.stop_cause in (StopCause.UNASSAILABLE, StopCause.N_MAX)
    assert adaptive.outcome.answer == fixed.outcome.answer


async def test_majority_stops_when_the_lead_is_larger_than_what_is_to_come() -> None:
    sampler = PlayedBack(samples(*[("a", 0.0)] * 8))
    outcome = (await run(sampler, method="majority", n_max=8, n_parallel=1)).outcome
    # 5 to 0 with 3 to come; 4 to 0 with 4 to come could still be a tie.
    assert (outcome.stop_cause, outcome.samples_used) == ("unassailable", 5)


async def test_best_of_n_is_never_unassailable() -> None:
    outcome = (await select(samples(*[("a", 9.0)] * 5), method="best_of_n", adaptive=True)).outcome
    assert (outcome.stop_cause, outcome.samples_used) == ("n_max", 5)


async def test_enough_confidence_stops_at_the_first_sample_that_brings_it() -> None:
    given = [sample(i, f"answer {i}", 0.1, 0.1) for i in range(8)]
    given[2] = sample(2, "right", 1.0, 0.97)
    outcome = (await run(PlayedBack(given), n_max=8, n_parallel=1, min_confidence=0.9)).outcome
    assert (outcome.stop_cause, outcome.samples_used) == ("min_confidence", 3)
    assert (outcome.answer, outcome.confidence, outcome.abstained) == ("right", 0.97, False)


async def test_too_little_confidence_in_the_end_is_an_abstention() -> None:
    given = [sample(i, "a", 0.6, 0.6) for i in range(4)]
    outcome = (await run(PlayedBack(given), n_max=4, min_confidence=0.9, adaptive=False)).outcome
    assert (outcome.abstained, outcome.answer) == (True, "a")
    assert outcome.stop_cause == StopCause.N_MAX


async def test_no_answer_at_all_is_an_abstention_where_confidence_was_asked_for() -> None:
    given = [sample(i, "no box", 0.6, 0.99) for i in range(2)]
    outcome = (await run(PlayedBack(given), n_max=2, min_confidence=0.5, answer="boxed")).outcome
    assert (outcome.abstained, outcome.answer) == (True, None)


@pytest.mark.parametrize("method", SelectionMethod)
async def test_no_answer_at_all_is_an_abstention_whatever_was_asked_for(method: str) -> None:
    given = [
        sample(0, "no box", 0.6, 0.99),
        sample(1, "cut", None, finish_reason="length"),
        sample(2, r"\boxed{}", 0.7, 0.99),
    ]
    outcome = (await select(given, method=method, answer="boxed")).outcome
    assert (outcome.abstained, outcome.answer, outcome.confidence) == (True, None, None)
    assert (outcome.applied_method, outcome.votes) == (None, [])
    one = (
        await select([*given, sample(3, r"\boxed{5}", 0.1)], method=method, answer="boxed")
    ).outcome
    assert (one.abstained, one.answer, one.applied_method) == (False, "5", method)


@pytest.mark.parametrize("method", SelectionMethod)
@pytest.mark.parametrize("parallel", [1, None])
async def test_of_samples_that_are_all_the_same_one_is_drawn(
    method: str, parallel: int | None
) -> None:
    sampler = PlayedBack(samples(*[("a", 0.5)] * 16))
    asked: dict[str, Any] = {"n_max": 16, "n_parallel": parallel, "method": method}
    outcome = (await run(sampler, identical=True, adaptive=False, **asked)).outcome
    assert sampler.started == [0]
    assert (outcome.stop_cause, outcome.samples_used) == (StopCause.DETERMINISTIC, 1)
    assert (outcome.answer, outcome.completion_tokens) == ("a", 10)
    assert not outcome.abstained


async def test_one_sample_of_one_is_all_that_was_asked_for() -> None:
    outcome = (await run(PlayedBack(samples(("a", 0.5))), identical=True, n_max=1)).outcome
    assert (outcome.stop_cause, outcome.samples_used) == (StopCause.N_MAX, 1)


@given(st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_the_posterior_is_that_of_two_shares_under_a_uniform_prior(one: float, two: float) -> None:
    leader, runner_up = max(one, two), min(one, two)
    groups = [_weighing(leader), _weighing(runner_up)]
    expected = beta.sf(0.5, leader + 1, runner_up + 1)  # SciPy's distribution, not its betainc
    for margin in (-1e-9, 1e-9):
        stops = likely_to_win(expected + margin)(groups, 5) is not None
        assert stops == (margin < 0)


def _weighing(weight: float) -> Group:
    group = Group("a", SelectionMethod.WEIGHTED_MAJORITY, Weights.SCORE, seed=0)
    whole = math.floor(weight)
    parts = [1.0] * whole + [weight - whole]
    group.members += [Vote("a", i, part, None) for i, part in enumerate(parts)]
    return group


async def test_the_posterior_counts_weights_not_samples() -> None:
    doubtful = PlayedBack(samples(*[("a", 0.1)] * 16))
    sure = PlayedBack(samples(*[("a", 1.0)] * 16))
    asked: dict[str, Any] = {"n_max": 16, "n_parallel": 1, "posterior": 0.9, "adaptive": False}
    slow, quick = await run(doubtful, **asked), await run(sure, **asked)
    # 1 - 2^-(w+1) >= 0.9 from w = 2.33 on.
    assert quick.outcome.samples_used == 3
    assert slow.outcome.stop_cause == StopCause.N_MAX


async def test_a_budget_of_tokens_ends_the_drawing_and_the_samples_that_run() -> None:
    given = samples(*[(f"answer {i}", 0.2) for i in range(8)])
    sampler = PlayedBack(given, held=frozenset({3}))
    outcome = (await run(sampler, n_max=8, n_parallel=2, max_total_tokens=35)).outcome
    assert outcome.stop_cause == StopCause.MAX_TOTAL_TOKENS
    assert sampler.cancelled
    assert outcome.unvoted.cancelled == len(sampler.cancelled)
    assert sorted(sampler.started) == list(range(outcome.samples_used))


async def test_a_budget_of_time_answers_with_what_there_is() -> None:
    given = samples(("a", 0.2), ("b", 0.9), ("c", 1.0))
    sampler = PlayedBack(given, held=frozenset({2}))
    outcome = (await run(sampler, n_max=3, n_parallel=3, timeout_s=0.05)).outcome
    assert (outcome.stop_cause, outcome.answer) == (StopCause.TIMEOUT, "b")
    assert outcome.unvoted.cancelled == 1
    assert outcome.completion_tokens == 10 + 10 + 3


async def test_a_budget_of_time_that_ends_before_any_sample_answers_with_a_part() -> None:
    sampler = PlayedBack(samples(("a", 0.2), ("b", 0.9)), held=frozenset({0, 1}))
    chosen = await run(sampler, n_max=2, timeout_s=0.02)
    assert chosen.outcome.answer is None
    assert chosen.winner.finish_reason == "abort"


async def test_no_more_samples_are_in_flight_than_asked_for() -> None:
    sampler = PlayedBack(samples(*[(f"{i}", 0.1) for i in range(12)]))
    await run(sampler, n_max=12, n_parallel=3, adaptive=False)
    assert sampler.most_running == 3
    assert sorted(sampler.started) == list(range(12))


async def test_a_failing_sample_gives_up_the_others_and_is_raised() -> None:
    class Failing(PlayedBack):
        async def draw(self, index: int, on_progress: object) -> object:  # type: ignore[override]
            if index == 1:
                raise ValueError("the engine failed")
            return await super().draw(index, print)

    sampler = Failing(samples(*[("a", 0.1)] * 3), held=frozenset({0, 2}))
    with pytest.raises(ValueError, match="the engine failed"):
        await run(sampler, n_max=3, n_parallel=3)
    assert sorted(sampler.given_up) == [0, 2]
    assert sampler.running == 0


async def test_candidates_are_listed_where_asked_for() -> None:
    given = [sample(0, r"\boxed{1}", 0.5), sample(1, "none", None, finish_reason="length")]
    outcome = (await select(given, answer="boxed", return_candidates=True)).outcome
    assert outcome.candidates is not None
    assert [(c.index, c.answer, c.finish_reason) for c in outcome.candidates] == [
        (0, "1", "stop"),
        (1, None, "length"),
    ]


def test_only_the_rules_that_were_asked_for_apply() -> None:
    assert stop_rules(SelectionOptions(adaptive=False)) == ()
    assert len(stop_rules(SelectionOptions(posterior=0.9, min_confidence=0.5))) == 3
