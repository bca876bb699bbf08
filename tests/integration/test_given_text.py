"""The score of given tokens is the one that they get in flight, and by an independent forward."""

import asyncio
import random
from typing import Any

import pytest
from vllm.exceptions import VLLMValidationError
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import SamplingParams

from laserve.core.types import Method, SelfReward, Status
from laserve.scoring.scored_engine import ScoredEngine
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch
from laserve.worker.codec import TOLERANCE
from tests.integration.conftest import MAX_MODEL_LEN, parameters_of
from tests.integration.generating import HuggingFaceReference, engine_of, generate_all
from tests.tiny_model import TinyModel

FLOAT32_NOISE = 1e-4
"""Nats: two float32 implementations of the same small network agree to some 1e-5."""


async def score_all(
    engine: ScoredEngine, pairs: list[tuple[list[int], list[int]]]
) -> list[SelfReward]:
    """Each (prompt, completion), all at once."""
    scores = (
        engine.score(tokens_input(prompt), completion, f"given-{number}")
        for number, (prompt, completion) in enumerate(pairs)
    )
    return list(await asyncio.gather(*scores))


async def test_given_tokens_have_the_score_that_they_had_in_flight(
    scored: ScoredEngine, reference: HuggingFaceReference
) -> None:
    rng = random.Random(1)
    requests: list[tuple[list[int], dict[str, Any]]] = [
        ([rng.randrange(256) for _ in range(rng.randrange(1, 150))], {"max_tokens": 150, "n": 4})
        for _ in range(40)
    ]
    pairs, in_flight = [], []
    for result in await generate_all(scored, requests, concurrency=16):
        for index, sample in result.samples.items():
            if result.rewards[index].method == Method.IN_FLIGHT:
                pairs.append((result.prompt, sample.token_ids))
                in_flight.append(result.rewards[index].logprob)
    assert len(pairs) > 100
    given = await score_all(scored, pairs)
    assert {(reward.status, reward.method) for reward in given} == {
        (Status.SCORED, Method.POST_HOC)
    }
    for (prompt, completion), reward, before in zip(pairs, given, in_flight, strict=True):
        assert reward.logprob == pytest.approx(before, abs=TOLERANCE + FLOAT32_NOISE)
        expected = reference.logprob(prompt, completion)
        assert reward.logprob == pytest.approx(expected, abs=FLOAT32_NOISE)


async def test_many_completions_of_one_prompt_are_told_apart(
    scored: ScoredEngine, tiny: TinyModel, reference: HuggingFaceReference
) -> None:
    rng = random.Random(2)
    prompt = [rng.randrange(256) for _ in range(200)]
    completions = [
        [*(rng.randrange(256) for _ in range(rng.randrange(100))), rng.choice(eos)]
        for eos in [sorted(tiny.eos_token_ids)] * 60
    ]
    rewards = await score_all(scored, [(prompt, completion) for completion in completions])
    for completion, reward in zip(completions, rewards, strict=True):
        expected = reference.logprob(prompt, completion)
        assert reward.logprob == pytest.approx(expected, abs=FLOAT32_NOISE)
        assert reward.score == pytest.approx(0.1 * (expected + 18.0), abs=FLOAT32_NOISE)
    assert len({round(reward.logprob or 0.0, 3) for reward in rewards}) > 50


async def test_the_whole_context_is_used_and_nothing_is_cut(
    scored: ScoredEngine, tiny: TinyModel, reference: HuggingFaceReference
) -> None:
    prompt = [7 * i % 256 for i in range(300)]
    fits = [*(3 * i % 256 for i in range(MAX_MODEL_LEN - 302)), tiny.primary_eos]
    last, full = await score_all(scored, [(prompt, fits), (prompt, [5, *fits])])
    assert last.logprob == pytest.approx(reference.logprob(prompt, fits), abs=FLOAT32_NOISE)
    assert (full.status, full.method) == (Status.CONTEXT_FULL, Method.POST_HOC)


async def test_each_given_text_is_counted(scored: ScoredEngine, tiny: TinyModel) -> None:
    counted: list[tuple[Status, int]] = []
    engine = ScoredEngine(
        engine_of(scored),
        parameters_of(tiny),
        lambda reward, overhead: counted.append((reward.status, overhead)),
    )
    eos = tiny.primary_eos
    await engine.score(tokens_input([1]), [2, eos], "counted")
    await engine.score(tokens_input([1]), [2] * MAX_MODEL_LEN, "too-long")
    embeds: Any = {"type": "embeds", "prompt_embeds": None}
    await engine.score(embeds, [2, eos], "embeds")
    task = asyncio.create_task(engine.score(tokens_input([1] * 400), [2, eos], "cancelled"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counted == [
        (Status.SCORED, 1),
        (Status.CONTEXT_FULL, 0),
        (Status.UNSUPPORTED, 0),
        (Status.ABORTED, 0),
    ]


async def test_a_refused_option_leaves_nothing_behind(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    engine = engine_of(scored)
    switch = Switch(Deployment(1, engine, parameters_of(tiny), lambda reward, tokens: None))
    with pytest.raises(VLLMValidationError, match="64 bits"):
        switch.generate(tokens_input([1]), SamplingParams(), "odd", priority=2**70)
    assert engine.output_processor.get_num_unfinished_requests() == 0


async def test_scoring_disturbs_no_generation(scored: ScoredEngine, tiny: TinyModel) -> None:
    requests: list[tuple[list[int], dict[str, Any]]] = [
        ([number] * 20, {"max_tokens": 40, "temperature": 0.0}) for number in range(8)
    ]
    alone = await generate_all(scored, requests, concurrency=8)
    pairs = [([number] * 20, [number, tiny.primary_eos]) for number in range(40)]
    among, _ = await asyncio.gather(
        generate_all(scored, requests, concurrency=8), score_all(scored, pairs)
    )
    assert [result.samples for result in among] == [result.samples for result in alone]
