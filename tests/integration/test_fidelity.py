"""The score that an answer carries is the one that its tokens have by an independent forward."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import torch
from prometheus_client import REGISTRY
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

from laserve.core.types import Method, Status
from laserve.scoring.scored_engine import ScoredEngine
from laserve.worker.codec import TOLERANCE
from tests.integration.conftest import parameters_of, scored_engine
from tests.integration.generating import Generated, HuggingFaceReference, generate_all
from tests.tiny_model import TinyModel, build_tiny_model

FLOAT32_NOISE = 1e-4
"""Nats: two float32 implementations of the same small network agree to some 1e-5."""


def _requests(count: int, seed: int) -> list[tuple[list[int], dict[str, Any]]]:
    """Random requests: prompts that share prefixes (cache hits), beyond one chunk (chunked
    prefill), all kinds of sampling, one sample or eight, each with a seed or without."""
    rng = random.Random(seed)
    prefix = [rng.randrange(256) for _ in range(96)]
    requests = []
    for number in range(count):
        own = [rng.randrange(256) for _ in range(rng.randrange(1, 150))]
        temperature = rng.choice([0.0, 0.3, 0.7, 1.0, 1.2])
        params: dict[str, Any] = {
            "max_tokens": rng.choice([20, 100, 200]),
            "temperature": temperature,
            "kind": rng.choice(list(RequestOutputKind)),
            "seed": rng.choice([None, number]),
        }
        if temperature:
            params["n"] = 8 if rng.random() < 0.2 else 1
            params["top_p"] = rng.choice([1.0, 0.9])
            params["top_k"] = rng.choice([0, 50])
            params["min_p"] = rng.choice([0.0, 0.01])
        requests.append((prefix + own if rng.random() < 0.5 else own, params))
    return requests


def _errors(results: list[Generated], reference: HuggingFaceReference) -> dict[Method, list[float]]:
    errors: dict[Method, list[float]] = {method: [] for method in Method}
    for result in results:
        for index, sample in result.samples.items():
            reward = result.rewards[index]
            if reward.status == Status.SCORED:
                assert reward.logprob is not None
                assert reward.method is not None
                expected = reference.logprob(result.prompt, sample.token_ids)
                errors[reward.method].append(abs(reward.logprob - expected))
    return errors


def _report(kind: str, errors: list[float]) -> None:
    """Shown with `pytest -s`: the figures of docs/measurements.md."""
    median, largest = sorted(errors)[len(errors) // 2], max(errors)
    print(f"\n{kind}: {len(errors)} completions, error {median:.1e} median, {largest:.1e} largest")


def _preemptions() -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "vllm:num_preemptions_total"
    )


@pytest.mark.parametrize("concurrency", [1, 64])
async def test_the_logprob_equals_a_hugging_face_forward(
    scored: ScoredEngine, reference: HuggingFaceReference, concurrency: int
) -> None:
    before = _preemptions()
    results = await generate_all(
        scored, _requests({1: 40, 64: 320}[concurrency], seed=concurrency), concurrency
    )
    errors = _errors(results, reference)
    _report(f"float32, concurrency {concurrency}", errors[Method.IN_FLIGHT])
    assert len(errors[Method.IN_FLIGHT]) >= {1: 40, 64: 500}[concurrency]
    assert max(errors[Method.IN_FLIGHT]) < TOLERANCE + FLOAT32_NOISE
    assert max(errors[Method.POST_HOC], default=0.0) < FLOAT32_NOISE
    if concurrency == 64:
        assert _preemptions() > before, "the load was meant to preempt requests"


async def test_the_score_is_the_papers_formula_of_the_logprob(
    scored: ScoredEngine, tiny: TinyModel, reference: HuggingFaceReference
) -> None:
    parameters = parameters_of(tiny)
    results = await generate_all(scored, _requests(20, seed=7), 8)
    for result in results:
        for index, sample in result.samples.items():
            reward = result.rewards[index]
            if reward.status == Status.SCORED:
                assert reward.score is not None
                logprob = reference.logprob(result.prompt, sample.token_ids)
                by_hand = 0.1 * (logprob - -18.0)
                assert abs(reward.score - by_hand) < 1e-4
                assert reward.checkpoint == parameters.checkpoint


async def test_every_completion_has_one_reward_and_a_truthful_status(
    scored: ScoredEngine, tiny: TinyModel
) -> None:
    for result in await generate_all(scored, _requests(60, seed=3), 16):
        assert result.rewards.keys() == result.samples.keys()
        for index, sample in result.samples.items():
            ended = sample.token_ids[-1] in tiny.eos_token_ids
            status = Status.SCORED if ended else Status.TRUNCATED
            assert result.rewards[index].status == status
            assert sample.finish_reason == ("stop" if ended else "length")


async def test_z_c_is_never_sampled_even_where_the_model_wants_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    eager = build_tiny_model(tmp_path_factory.mktemp("eager"), z_c_bias=3.0)
    async with scored_engine(eager) as engine:
        results = await generate_all(engine, _requests(40, seed=5), 16)
        reference = HuggingFaceReference(eager)
        errors = _errors(results, reference)
        assert len(errors[Method.IN_FLIGHT]) >= 40
        assert max(errors[Method.IN_FLIGHT]) < TOLERANCE + FLOAT32_NOISE
        for result in results:
            assert all(eager.z_c not in sample.token_ids for sample in result.samples.values())
        # A stop string needs the second request, and nothing masks it in the first: no score is
        # read behind it then.
        requests = [(prompt, {**params, "stop": ["never"]}) for prompt, params in _requests(40, 6)]
        strayed = 0
        for result in await generate_all(engine, requests, 16):
            for index, sample in result.samples.items():
                if eager.z_c in sample.token_ids and sample.finish_reason == "stop":
                    strayed += 1
                    assert result.rewards[index].status == Status.UNSUPPORTED
        assert strayed


BFLOAT16 = 3 / 32
"""Logits of 4 to 8 in size have steps of 1/32 nats. Which way an implementation rounds depends on
the batch: a step apart for z_c's own logit, one for the likeliest ones that it is compared with,
one for the hidden state, which is rounded before both."""


@pytest.fixture(scope="module")
async def scored_bfloat16(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[ScoredEngine, HuggingFaceReference]]:
    """LaServe in bfloat16, with guidance. No logit reaches 8 in size."""
    model = build_tiny_model(
        tmp_path_factory.mktemp("bfloat16"), dtype=torch.bfloat16, z_c_bias=-4.0
    )
    async with scored_engine(
        model,
        dtype="bfloat16",
        max_num_batched_tokens=64,
        structured_outputs_config={"backend": "guidance"},
    ) as engine:
        yield engine, HuggingFaceReference(model, torch.bfloat16)


async def test_bfloat16_is_within_its_own_rounding(
    scored_bfloat16: tuple[ScoredEngine, HuggingFaceReference],
) -> None:
    engine, reference = scored_bfloat16
    errors = _errors(await generate_all(engine, _requests(60, seed=1), 16), reference)
    _report("bfloat16", errors[Method.IN_FLIGHT])
    assert len(errors[Method.IN_FLIGHT]) >= 60
    assert max(errors[Method.IN_FLIGHT]) < BFLOAT16


async def test_guidance_leaves_the_scored_row_alone(
    scored_bfloat16: tuple[ScoredEngine, HuggingFaceReference],
) -> None:
    engine, reference = scored_bfloat16
    structures = (
        StructuredOutputsParams(regex=r"[0-9]{3}-[a-f]{2,6}"),
        StructuredOutputsParams(choice=["yes", "no", "perhaps"]),
        StructuredOutputsParams(grammar='root ::= "(" [0-9] ("+" [0-9])? ")"'),
    )
    requests: list[tuple[list[int], dict[str, Any]]] = [
        ([number, 7, 9], {"max_tokens": limit, "structured_outputs": structure})
        for number in range(6)
        for structure in structures
        for limit in (2, 40)
    ]
    results = await generate_all(engine, requests, 8)
    errors = _errors(results, reference)
    assert len(errors[Method.IN_FLIGHT]) >= 12
    assert max(errors[Method.IN_FLIGHT]) < BFLOAT16
    for (_, params), result in zip(requests, results, strict=True):
        expected = "length" if params["max_tokens"] == 2 else "stop"
        assert result.samples[0].finish_reason == expected
