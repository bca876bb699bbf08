"""Selection on a real engine: which samples are drawn, what is answered, and what is cancelled."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from vllm.inputs.engine import tokens_input
from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.answers.math_equality import MathEqualityPool
from laserve.scoring.rewards import Rewards
from laserve.scoring.scored_engine import ScoredEngine
from laserve.selecting.plan import Planner, SelectionPlan, read_plainly
from laserve.selection.options import SelectionOptions
from laserve.selection.selector import Selection
from laserve.serving.deployment import Deployment
from laserve.serving.scope import RequestScope, request_scope
from laserve.serving.switch import Switch
from tests.integration.conftest import parameters_of
from tests.integration.generating import Generated, engine_of, generate
from tests.integration.test_transparency import CASES, prompt
from tests.tiny_model import TinyModel

KINDS = [RequestOutputKind.FINAL_ONLY, RequestOutputKind.DELTA]
SEEDED: dict[str, Any] = {"temperature": 1.0, "seed": 11, "max_tokens": 24}


async def plan(tiny: TinyModel, seed: int = 0, **options: Any) -> SelectionPlan:
    planner = Planner({}, MathEqualityPool())
    asked = SelectionOptions(**{"n_parallel": None, "adaptive": False, **options})
    return await planner.plan(asked, parameters_of(tiny), seed=seed, read=read_plainly)


@contextmanager
def asking(scored: ScoredEngine, asked: SelectionPlan) -> Iterator[tuple[Switch, RequestScope]]:
    """A request for a selection, at what a server gives vLLM's serving objects."""
    deployment = Deployment(1, engine_of(scored), scored._parameters, lambda reward, tokens: None)
    switch = Switch(deployment)
    with request_scope(deployment, lambda: deployment) as scope:
        scope.plan = asked
        yield switch, scope


async def choose(
    scored: ScoredEngine,
    asked: SelectionPlan,
    tokens: list[int],
    kind: RequestOutputKind = RequestOutputKind.FINAL_ONLY,
    **params: Any,
) -> tuple[Generated, Selection[RequestOutput]]:
    with asking(scored, asked) as (switch, scope):
        scope.rewards = Rewards()
        generated = await generate(switch, tokens, kind, **params)
    assert scope.selection is not None
    rewards = dict(sorted(scope.rewards.by_choice.items()))
    return replace(generated, rewards=rewards), scope.selection


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [case for case in CASES if case != "n samples"])
async def test_one_of_one_sample_is_what_the_request_gives_without_selection(
    scored: ScoredEngine, tiny: TinyModel, case: str, kind: RequestOutputKind
) -> None:
    params = {**SEEDED, "max_tokens": 60, **CASES[case]}
    expected = await generate(scored, prompt(1), kind, **params)
    asked = await plan(tiny, n_max=1, method="majority")
    got, selection = await choose(scored, asked, prompt(1), kind, **params)
    (mine,), (want,) = got.samples.values(), expected.samples.values()
    assert (mine.token_ids, mine.text) == (want.token_ids, want.text)
    assert (mine.finish_reason, mine.stop_reason) == (want.finish_reason, want.stop_reason)
    assert got.rewards[0].status == expected.rewards[0].status
    assert got.rewards[0].logprob == pytest.approx(expected.rewards[0].logprob, abs=1e-3)
    if want.logprobs is not None:
        assert mine.logprobs is not None
        assert len(mine.logprobs) == len(want.logprobs)
        for a, b in zip(mine.logprobs, want.logprobs, strict=True):
            assert a == pytest.approx(b, abs=1e-4)
    assert selection.outcome.completion_tokens == len(want.token_ids)


async def test_the_samples_are_those_of_the_same_request_with_n(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    expected = await generate(scored, prompt(2), n=8, **SEEDED)
    got, selection = await choose(scored, await plan(tiny, n_max=8), prompt(2), **SEEDED)
    assert [list(s.output.outputs[0].token_ids) for s in selection.samples] == [
        sample.token_ids for sample in expected.samples.values()
    ]
    for sample in selection.samples:
        assert sample.reward is not None
        want = expected.rewards[sample.index]
        assert sample.reward.status == want.status
        assert sample.reward.logprob == pytest.approx(want.logprob, abs=1e-3)
    assert got.samples[0].token_ids == expected.samples[selection.winner.index].token_ids
    assert got.rewards[0] == selection.winner.reward


@pytest.mark.parametrize(
    "params", [{"temperature": 0.0}, {"top_k": 1}, {"min_p": 1.0}, {"top_p": 1e-6, "seed": 4}]
)
async def test_samples_without_chance_are_one_and_that_of_the_plain_request(
    scored: ScoredEngine, tiny: TinyModel, params: dict[str, Any]
) -> None:
    expected = await generate(scored, prompt(1), max_tokens=60, **params)
    asked = await plan(tiny, n_max=16, method="majority")
    got, selection = await choose(scored, asked, prompt(1), max_tokens=60, **params)
    outcome = selection.outcome
    assert (outcome.stop_cause, outcome.samples_used) == ("deterministic", 1)
    assert got.samples[0].token_ids == expected.samples[0].token_ids
    assert outcome.completion_tokens == len(expected.samples[0].token_ids)


async def test_a_decision_cancels_what_runs_and_counts_its_tokens(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    # All the same, though they are sampled: 120 times one token, and the EOS. So long that none
    # of those that begin with the first vote has ended by the last one, also on a busy machine.
    bias = {65: 50.0, tiny.primary_eos: 100.0}
    asked = await plan(tiny, n_max=9, n_parallel=5, method="majority", adaptive=True)
    _, selection = await choose(
        scored, asked, prompt(3), max_tokens=160, min_tokens=120, logit_bias=bias
    )
    outcome = selection.outcome
    assert outcome.stop_cause == "unassailable"
    assert outcome.samples_used < 9
    assert outcome.completion_tokens == sum(s.completion_tokens for s in selection.samples)
    assert not engine_of(scored).output_processor.has_unfinished_requests()


async def test_a_token_budget_cancels_samples_with_what_they_have(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    asked = await plan(tiny, n_max=8, method="majority", max_total_tokens=100)
    params = {**SEEDED, "max_tokens": 300, "ignore_eos": True}
    got, selection = await choose(scored, asked, prompt(4), **params)
    outcome = selection.outcome
    assert outcome.stop_cause == "max_total_tokens"
    assert outcome.unvoted.cancelled == 8
    assert outcome.completion_tokens >= 100
    assert all(sample.completion_tokens < 100 for sample in selection.samples)
    # The longest part is the answer, cut by a limit of the request.
    assert got.samples[0].finish_reason == "length"
    assert not engine_of(scored).output_processor.has_unfinished_requests()


async def test_a_timeout_before_the_engine_has_seen_a_sample_cancels_it_too(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    asked = await plan(tiny, n_max=4, method="majority", timeout_s=1e-6)
    _, selection = await choose(scored, asked, prompt(5), **{**SEEDED, "max_tokens": 300})
    assert selection.outcome.stop_cause == "timeout"
    assert selection.outcome.unvoted.cancelled == 4
    assert not engine_of(scored).output_processor.has_unfinished_requests()


async def test_without_rewards_asked_for_samples_are_plain(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    asked = await plan(tiny, n_max=3, method="majority")
    params = SamplingParams(output_kind=RequestOutputKind.FINAL_ONLY, **SEEDED)
    with asking(scored, asked) as (switch, scope):
        outputs = switch.generate(tokens_input(prompt(6)), params, "unscored")
        assert len([output async for output in outputs]) == 1
    assert scope.selection is not None
    assert all(sample.reward is None for sample in scope.selection.samples)


async def test_giving_up_the_answer_gives_up_all_samples(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    asked = await plan(tiny, n_max=6, method="majority")
    params = SamplingParams(
        output_kind=RequestOutputKind.FINAL_ONLY, max_tokens=400, min_tokens=390
    )
    with asking(scored, asked) as (switch, scope):
        scope.rewards = Rewards()
        outputs = switch.generate(tokens_input(prompt(7)), params, "given-up")
    task = asyncio.ensure_future(anext(outputs))
    await asyncio.sleep(0.5)
    assert engine_of(scored).output_processor.has_unfinished_requests()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not engine_of(scored).output_processor.has_unfinished_requests()
