"""Runs each kind of request once, so that no user's request pays for compilation."""

import asyncio
from contextlib import suppress
from typing import Any

from vllm.exceptions import VLLMValidationError
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.core.score import ScoreParameters
from laserve.scoring.engine import Engine
from laserve.scoring.post_hoc import read_logprob
from laserve.scoring.rewards import Rewards
from laserve.scoring.scored_engine import ScoredEngine

_KINDS: tuple[dict[str, Any], ...] = (
    {"temperature": 0.0},
    {"temperature": 1.0, "seed": 0, "top_p": 0.9, "top_k": 8, "min_p": 0.01},
    {"logprobs": 1},
    {"prompt_logprobs": 1},
    {"repetition_penalty": 1.1, "frequency_penalty": 0.1, "presence_penalty": 0.1},
    {"stop": ["\n"], "n": 2},
)


async def warm_up(engine: Engine, parameters: ScoreParameters) -> None:
    """Generate with every kind of sampling, alone and batched, and score both ways.

    The prompt ends with an EOS, so that the second request of the post-hoc path has the shape
    that it will have; what is generated does not matter and is counted nowhere.
    """
    scored = ScoredEngine(engine, parameters, observer=lambda reward, tokens: None)
    prompt = [min(parameters.eos_token_ids)] * 4
    for number, kind in enumerate(_KINDS):
        await _generate(scored, prompt, kind, f"warm-up-{number}")
    await read_logprob(engine, tokens_input(list(prompt)), parameters.z_c, "warm-up-score", {})
    await asyncio.gather(
        *(_generate(scored, prompt, kind, f"warm-up-all-{n}") for n, kind in enumerate(_KINDS))
    )


async def _generate(
    engine: ScoredEngine, prompt: list[int], kind: dict[str, Any], request_id: str
) -> None:
    params = SamplingParams(max_tokens=4, output_kind=RequestOutputKind.FINAL_ONLY, **kind)
    outputs = engine.generate(tokens_input(list(prompt)), params, request_id, Rewards())
    # An engine that refuses this kind, as speculative decoding does with min_p, refuses users too.
    with suppress(VLLMValidationError):
        async for _ in outputs:
            pass
