"""Which sampling parameters leave nothing to chance."""

from typing import Any

import pytest
import torch
from vllm.sampling_params import SamplingParams
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch

from laserve.selecting.chance import is_deterministic

VOCAB_SIZE = 1000


@pytest.mark.parametrize(
    ("params", "deterministic"),
    [
        ({"temperature": 0.0}, True),
        ({"temperature": 0.0, "seed": 5, "top_k": 40}, True),
        ({"temperature": 0.0, "presence_penalty": 1.0}, True),
        ({"top_k": 1}, True),
        ({"top_k": 1, "temperature": 2.0, "seed": 5, "top_p": 0.9}, True),
        ({"min_p": 1.0}, True),
        ({"top_p": 1e-6}, True),
        ({"top_p": 1 / VOCAB_SIZE}, True),
        ({}, False),
        ({"seed": 5}, False),
        ({"temperature": 0.01}, False),
        ({"temperature": 1e-7}, False),  # vLLM makes 0.01 of it
        ({"top_k": 2}, False),
        ({"top_k": 0}, False),
        ({"top_k": -1}, False),
        ({"min_p": 0.99}, False),
        ({"top_p": 0.01}, False),
    ],
)
def test_a_request_is_deterministic_where_one_token_can_follow(
    params: dict[str, Any], deterministic: bool
) -> None:
    assert is_deterministic(SamplingParams(**params), VOCAB_SIZE) == deterministic


@pytest.mark.parametrize(("k", "p"), [(1, None), (None, 1 / VOCAB_SIZE), (None, 1e-6)])
def test_vllms_sampler_keeps_one_token_there(k: int | None, p: float | None) -> None:
    torch.manual_seed(0)
    # From nearly uniform, where the most probable token has about 1/V, to peaked.
    logits = torch.randn(64, VOCAB_SIZE) * torch.logspace(-4, 1, 64).unsqueeze(1)
    best = logits.argmax(dim=-1)
    kept = apply_top_k_top_p_pytorch(
        logits.clone(),
        None if k is None else torch.full((64,), k),
        None if p is None else torch.full((64,), p),
    )
    assert (kept.isfinite().sum(dim=-1) == 1).all()
    assert torch.equal(kept.argmax(dim=-1), best)
