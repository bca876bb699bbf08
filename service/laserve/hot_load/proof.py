"""The golden probes: proof that an engine computes what training computed with these weights."""

import asyncio
import math
from dataclasses import dataclass
from typing import cast

import torch
from vllm.engine.protocol import EngineClient
from vllm.inputs.engine import tokens_input
from vllm.lora.request import LoRARequest

from laserve.core.manifest import GoldenProbe, Manifest
from laserve.core.score import ScoreParameters
from laserve.errors import CheckpointRejected
from laserve.scoring.scored_engine import ScoredEngine

TOLERANCES = {torch.float32: 0.01, torch.float16: 0.1, torch.bfloat16: 0.5}
"""Largest difference of a probe's log p(z_c) from training's, nats, by the engine's type. Two
implementations in float32 differ by 0.0005 (the README's fidelity), in bfloat16 by 0.06 where
logits are below 16 in size, and in proportion to their size above: 0.16 of SmolLM2-135M against
float32. The factors on top of that are for other kernels and larger logits. 0.5 nats is 0.05 of a
score at beta_v = 0.1, where right answers are 10 nats from wrong ones."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How well an engine agreed with the probes."""

    probes: int
    largest_difference: float
    """Nats."""


async def prove(
    client: EngineClient,
    parameters: ScoreParameters,
    manifest: Manifest,
    adapter: LoRARequest | None = None,
) -> Proof:
    """Replay the manifest's golden probes.

    Raises CheckpointRejected where a log-probability is not the one that training computed.
    """
    dtype = cast(torch.dtype, client.vllm_config.model_config.dtype)
    tolerance = TOLERANCES[dtype]
    engine = ScoredEngine(client, parameters, observer=lambda reward, tokens: None)

    async def measure(index: int, probe: GoldenProbe) -> float | None:
        reward = await engine.score(
            tokens_input(list(probe.prompt_token_ids)),
            list(probe.completion_token_ids),
            f"probe-{index}",
            lora_request=adapter,
        )
        return reward.logprob

    probes = manifest.golden_probes
    measured = await asyncio.gather(*(measure(i, probe) for i, probe in enumerate(probes)))
    largest = 0.0
    for index, (probe, logprob) in enumerate(zip(probes, measured, strict=True)):
        difference = math.inf if logprob is None else abs(logprob - probe.logprob)
        if difference > tolerance:
            raise CheckpointRejected(
                f"golden probe {index} gives log p(z_c) = {logprob}, and training computed "
                f"{probe.logprob:.4f} (tolerance {tolerance}): the engine does not compute what "
                "was trained, or the probes are of other weights"
            )
        largest = max(largest, difference)
    return Proof(len(probes), largest)
