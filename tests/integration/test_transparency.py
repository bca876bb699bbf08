"""Whoever does not ask for scores sees plain vLLM: the same tokens, text and reasons."""

import asyncio
from typing import Any

import pytest
from vllm.exceptions import VLLMValidationError
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.core.types import Method, Status
from laserve.scoring.rewards import Rewards
from laserve.scoring.scored_engine import ScoredEngine
from tests.integration.conftest import MAX_MODEL_LEN
from tests.integration.generating import (
    Generated,
    HuggingFaceReference,
    engine_of,
    generate,
    generate_all,
)
from tests.tiny_model import TinyModel

KINDS = list(RequestOutputKind)


def prompt(number: int, length: int = 12) -> list[int]:
    """A prompt of its own."""
    return [(31 * number + 7 * position) % 256 for position in range(length)]


async def same(
    plain: AsyncLLM,
    scored: ScoredEngine,
    requests: list[tuple[list[int], dict[str, Any]]],
    concurrency: int = 8,
) -> list[Generated]:
    """Run the requests on both engines, compare, and return the scored results."""
    expected = await generate_all(plain, requests, concurrency)
    results = await generate_all(scored, requests, concurrency)
    for want, got in zip(expected, results, strict=True):
        assert got.samples.keys() == want.samples.keys()
        for index, sample in want.samples.items():
            mine = got.samples[index]
            assert mine.token_ids == sample.token_ids
            assert mine.text == sample.text
            assert (mine.finish_reason, mine.stop_reason) == (
                sample.finish_reason,
                sample.stop_reason,
            )
            if sample.logprobs is None:
                assert mine.logprobs is None
                continue
            assert mine.logprobs is not None
            assert mine.cumulative_logprob == pytest.approx(sample.cumulative_logprob, abs=1e-3)
            for a, b in zip(mine.logprobs, sample.logprobs, strict=True):
                assert a == pytest.approx(b, abs=1e-4)
    return results


CASES: dict[str, dict[str, Any]] = {
    "several EOS ids": {},
    "n samples": {"n": 4},
    "min_tokens": {"min_tokens": 40},
    "max_tokens": {"max_tokens": 8},
    "one token": {"max_tokens": 1},
    "min_tokens equal to max_tokens": {"min_tokens": 10, "max_tokens": 10},
    "stop_token_ids": {"stop_token_ids": [5, 17, 99, 140, 200]},
    "an EOS among stop_token_ids": {"stop_token_ids": [256, 257, 99]},
    "stop strings": {"stop": ["a", "\x1f"]},
    "stop strings kept": {"stop": ["a", "\x1f"], "include_stop_str_in_output": True},
    "EOS text kept": {"include_stop_str_in_output": True, "skip_special_tokens": False},
    "ignore_eos": {"ignore_eos": True, "max_tokens": 30},
    "special tokens shown": {"skip_special_tokens": False},
    "special tokens shown and spaced": {
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
    },
    "logprobs": {"logprobs": 3},
    "logprob of the sampled token": {"logprobs": 0},
    "flat logprobs": {"logprobs": 2, "flat_logprobs": True},
    "prompt logprobs": {"prompt_logprobs": 1},
    "no detokenisation": {"detokenize": False},
    "penalties": {"presence_penalty": 0.5, "frequency_penalty": 0.3, "repetition_penalty": 1.2},
    "logit bias": {"logit_bias": {256: 2.0, 42: 3.0}},
    "allowed tokens": {"allowed_token_ids": [1, 2, 3, 256]},
    "bad words": {"bad_words": ["a", "b"]},
    "greedy": {"temperature": 0.0},
    "top_k": {"top_k": 5, "top_p": 0.8, "min_p": 0.02},
}


@pytest.mark.parametrize("case", CASES)
async def test_outputs_are_those_of_plain_vllm(
    plain: AsyncLLM, scored: ScoredEngine, reference: HuggingFaceReference, case: str
) -> None:
    requests = [
        (
            prompt(number),
            {"max_tokens": 80, "seed": number, "kind": KINDS[number % 3]} | CASES[case],
        )
        for number in range(9)
    ]
    for result in await same(plain, scored, requests):
        for index, reward in result.rewards.items():
            if reward.logprob is not None:
                expected = reference.logprob(result.prompt, result.samples[index].token_ids)
                assert reward.logprob == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("case", "method"),
    [
        ("several EOS ids", Method.IN_FLIGHT),
        ("penalties", Method.IN_FLIGHT),
        ("logprobs", Method.IN_FLIGHT),
        ("min_tokens", Method.IN_FLIGHT),
        ("stop strings", Method.POST_HOC),
        ("logit bias", Method.POST_HOC),
        ("allowed tokens", Method.POST_HOC),
        ("bad words", Method.POST_HOC),
    ],
)
async def test_the_method_is_post_hoc_only_where_it_must_be(
    scored: ScoredEngine, case: str, method: Method
) -> None:
    requests = [
        (prompt(number), {"max_tokens": 80, "seed": number} | CASES[case]) for number in range(16)
    ]
    methods = {
        reward.method
        for result in await generate_all(scored, requests, 16)
        for reward in result.rewards.values()
        if reward.status == Status.SCORED
    }
    assert methods == {method}


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("ignore_eos", Status.IGNORE_EOS),
        ("stop_token_ids", Status.STOP_TOKEN),
        ("stop strings", Status.STOP_STRING),
        ("max_tokens", Status.TRUNCATED),
    ],
)
async def test_an_answer_without_its_eos_has_a_status_and_no_score(
    scored: ScoredEngine, tiny: TinyModel, case: str, status: Status
) -> None:
    requests = [
        (prompt(number), {"max_tokens": 80, "seed": number} | CASES[case]) for number in range(16)
    ]
    seen = set()
    for result in await generate_all(scored, requests, 16):
        reward = result.rewards[0]
        seen.add(reward.status)
        if status == Status.IGNORE_EOS or result.samples[0].token_ids[-1] not in tiny.eos_token_ids:
            assert (reward.status, reward.score, reward.logprob) == (status, None, None)
    assert status in seen


async def test_a_limit_at_the_eos_and_one_before_it(plain: AsyncLLM, scored: ScoredEngine) -> None:
    free = [(prompt(number), {"max_tokens": 80, "seed": number}) for number in range(12)]
    limited: list[tuple[list[int], dict[str, Any]]] = []
    for (tokens, params), result in zip(free, await generate_all(plain, free, 8), strict=True):
        length = len(result.samples[0].token_ids)
        if result.samples[0].finish_reason == "stop" and length > 1:
            for limit in (length - 1, length):
                limited += [
                    (tokens, params | {"max_tokens": limit, "kind": kind}) for kind in KINDS
                ]
    assert len(limited) >= 24
    for number, result in enumerate(await same(plain, scored, limited)):
        at_eos = number % 6 >= 3
        assert result.samples[0].finish_reason == ("stop" if at_eos else "length")
        assert result.rewards[0].status == (Status.SCORED if at_eos else Status.TRUNCATED)


async def test_an_eos_at_the_end_of_the_context(
    plain: AsyncLLM, scored: ScoredEngine, reference: HuggingFaceReference, tiny: TinyModel
) -> None:
    room = 8
    requests = [
        (prompt(number, MAX_MODEL_LEN - room), {"max_tokens": None, "seed": number})
        for number in range(90)
    ]
    places: dict[int, set[tuple[Status, Method | None]]] = {}
    for result in await same(plain, scored, requests, concurrency=4):
        sample, reward = result.samples[0], result.rewards[0]
        if sample.token_ids[-1] in tiny.eos_token_ids:
            left = room - len(sample.token_ids)
            places.setdefault(left, set()).add((reward.status, reward.method))
            if reward.logprob is not None:
                expected = reference.logprob(result.prompt, sample.token_ids)
                assert reward.logprob == pytest.approx(expected, abs=1e-3)
        else:
            assert reward.status == Status.TRUNCATED
    assert places[0] == {(Status.CONTEXT_FULL, Method.POST_HOC)}
    # Two digits: with one place left there is no room for both, with two there is.
    assert places[1] == {(Status.SCORED, Method.POST_HOC)}
    assert all(places[left] == {(Status.SCORED, Method.IN_FLIGHT)} for left in places if left > 1)


STRUCTURES = {
    "regex": StructuredOutputsParams(regex=r"[0-9]{3}-[a-f]{2,6}"),
    "choice": StructuredOutputsParams(choice=["yes", "no", "perhaps"]),
    "json": StructuredOutputsParams(
        json={
            "type": "object",
            "properties": {"sure": {"type": "boolean"}, "kind": {"enum": ["a", "bb"]}},
            "required": ["sure", "kind"],
            "additionalProperties": False,
        }
    ),
    "grammar": StructuredOutputsParams(grammar='root ::= "(" [0-9] ("+" [0-9])* ")"'),
}


@pytest.mark.parametrize("structure", STRUCTURES)
async def test_structured_outputs_are_scored_in_flight(
    plain: AsyncLLM, scored: ScoredEngine, reference: HuggingFaceReference, structure: str
) -> None:
    requests = [
        (
            prompt(number),
            {
                "max_tokens": 120,
                "seed": number,
                "kind": KINDS[number % 3],
                "structured_outputs": STRUCTURES[structure],
            },
        )
        for number in range(9)
    ]
    ended = 0
    for result in await same(plain, scored, requests):
        reward = result.rewards[0]
        if result.samples[0].finish_reason == "stop":
            ended += 1
            assert (reward.status, reward.method) == (Status.SCORED, Method.IN_FLIGHT)
            expected = reference.logprob(result.prompt, result.samples[0].token_ids)
            assert reward.logprob == pytest.approx(expected, abs=1e-3)
    assert ended >= 5


async def test_a_seed_gives_the_same_answer_however_the_prompt_is_chunked(
    plain: AsyncLLM, scored: ScoredEngine
) -> None:
    requests = [(prompt(n, 300), {"max_tokens": 30, "seed": n}) for n in range(12)]
    await same(plain, scored, requests, concurrency=12)


async def test_without_rewards_asked_for_nothing_is_armed(scored: ScoredEngine) -> None:
    params = SamplingParams(max_tokens=40, seed=1, output_kind=RequestOutputKind.FINAL_ONLY)
    outputs = scored.generate(tokens_input(prompt(1)), params, "unarmed", None)
    (output,) = [output async for output in outputs]
    scored_result = await generate(scored, prompt(1), max_tokens=40, seed=1)
    assert list(output.outputs[0].token_ids) == scored_result.samples[0].token_ids


async def test_an_aborted_request_has_a_status_and_no_score(scored: ScoredEngine) -> None:
    params = SamplingParams(
        max_tokens=400, min_tokens=400, output_kind=RequestOutputKind.CUMULATIVE
    )
    rewards = Rewards()
    outputs = scored.generate(tokens_input(prompt(2)), params, "to-abort", rewards)
    finish_reason = None
    async for output in outputs:
        finish_reason = output.outputs[0].finish_reason
        if finish_reason is None:
            await scored.abort("to-abort")
    assert finish_reason == "abort"
    assert rewards.by_choice[0].status == Status.ABORTED
    assert rewards.by_choice[0].score is None


async def test_a_consumer_that_goes_away_ends_the_request(scored: ScoredEngine) -> None:
    params = SamplingParams(max_tokens=400, min_tokens=400)
    rewards = Rewards()
    outputs = scored.generate(tokens_input(prompt(3)), params, "to-leave", rewards)
    await anext(outputs)
    await outputs.aclose()
    assert rewards.by_choice[0].status == Status.ABORTED
    for _ in range(100):
        if not engine_of(scored).get_num_unfinished_requests():
            break
        await asyncio.sleep(0.1)
    assert engine_of(scored).get_num_unfinished_requests() == 0


async def test_a_grammar_that_stalls_the_engine_ends_its_request_alone(
    scored: ScoredEngine,
) -> None:
    hostile = generate(
        scored,
        prompt(4),
        max_tokens=450,
        structured_outputs=StructuredOutputsParams(regex="(((.*)*)*)*z"),
        logit_bias={97: 100.0},
    )
    others = [(prompt(number), {"max_tokens": 20, "seed": number}) for number in range(4)]
    outcome, results = await asyncio.gather(
        asyncio.gather(hostile, return_exceptions=True), generate_all(scored, others, 4)
    )
    assert isinstance(outcome[0], VLLMValidationError)
    assert all(result.samples[0].token_ids for result in results)
