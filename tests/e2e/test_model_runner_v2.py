"""Model Runner V2, the default on GPUs, under speculative decoding: vLLM's own runner and
rejection sampler, their Triton kernels interpreted on the CPU."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from tests.e2e.conftest import ENGINE_FLAGS
from tests.e2e.server import Server, running_server
from tests.interpreted_triton import environment
from tests.tiny_model import TinyModel


@pytest.fixture(scope="module")
def model(tiny: TinyModel) -> PreTrainedModel:
    """The reference."""
    found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny.path, dtype=torch.float32)
    found.eval()
    return found


@pytest.fixture(scope="module")
def draft(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A draft model that is often right: the model itself, its output layer disturbed."""
    path = tmp_path_factory.mktemp("draft")
    draft = AutoModelForCausalLM.from_pretrained(tiny.path, dtype=torch.float32)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(draft.lm_head.weight.shape, generator=generator)
        draft.lm_head.weight.add_(0.003 * noise)
    draft.save_pretrained(path)
    for file in tiny.path.glob("token*"):
        (path / file.name).write_bytes(file.read_bytes())
    return path


@pytest.fixture(scope="module")
def v2_server(
    tiny: TinyModel, draft: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("v2")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        with running_server(
            tiny.path,
            folder / "server.log",
            *ENGINE_FLAGS,
            *("--max-num-batched-tokens", "64", "--max-num-seqs", "8"),
            *("--z-c", "<|vision_start|>", "--c-ref", "-18"),
            "--speculative-config",
            f'{{"method": "draft_model", "model": "{draft}", "num_speculative_tokens": 3}}',
            installed=True,  # Triton reads those variables as it is imported
        ) as running:
            yield running


async def test_answers_are_scored_in_flight_while_drafts_are_taken_and_rejected(
    v2_server: Server, tiny: TinyModel, model: PreTrainedModel
) -> None:
    rng = random.Random(0)
    prompts = [[rng.randrange(256) for _ in range(rng.randrange(1, 90))] for _ in range(16)]
    # Interpreted kernels take their time, the more on a busy machine.
    async with v2_server.async_client().with_options(timeout=300) as client:
        answers = await asyncio.gather(
            *(
                client.completions.create(
                    model=v2_server.model,
                    prompt=prompt,
                    max_tokens=24,
                    temperature=(0.7, 1.0)[seed % 2],
                    seed=seed,
                    extra_body={"return_token_ids": True},
                )
                for seed, prompt in enumerate(prompts)
            )
        )
    scored = 0
    for prompt, answer in zip(prompts, answers, strict=True):
        extra: dict[str, Any] = answer.choices[0].model_extra or {}
        reward = extra["self_reward"]
        if answer.choices[0].finish_reason == "length":
            assert reward["status"] == "truncated"
            continue
        assert (reward["status"], reward["method"]) == ("scored", "in_flight")
        with torch.no_grad():
            logits = model(torch.tensor([prompt + extra["token_ids"]])).logits[0, -1]
        expected = float(torch.log_softmax(logits, -1)[tiny.z_c])
        assert reward["logprob"] == pytest.approx(expected, abs=1e-3)
        scored += 1
    assert scored >= 4
    drafted = v2_server.metric("vllm:spec_decode_num_draft_tokens_total")
    accepted = v2_server.metric("vllm:spec_decode_num_accepted_tokens_total")
    assert 0 < accepted < drafted
