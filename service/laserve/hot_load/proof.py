"""Proof that an engine has a checkpoint's weights and computes with them what training computed.

What each of the promises is worth, and what it is not: `promises`.
"""

import asyncio
import logging
import math
from pathlib import Path
from typing import Self, cast

import torch
from vllm.engine.protocol import EngineClient
from vllm.inputs.engine import tokens_input
from vllm.lora.request import LoRARequest

from laserve.core.manifest import Manifest
from laserve.core.probes import GoldenProbe
from laserve.core.score import ScoreParameters
from laserve.errors import CheckpointRejected
from laserve.hot_load.layout import Layout
from laserve.hot_load.probe_rows import compare_rows, read_rows
from laserve.hot_load.promises import (
    Computation,
    ComputationShown,
    FilesShown,
    Proof,
    Weights,
)
from laserve.scoring.scored_engine import ScoredEngine
from laserve.serving.deployment import Deployment
from laserve.worker.config import has_extension, processor_path

logger = logging.getLogger(__name__)

TOLERANCES = {torch.float32: 0.01, torch.float16: 0.1, torch.bfloat16: 0.5}
"""Largest difference of a log-probability from training's, nats, by the engine's type. Two
implementations in float32 differ by 0.0005 (the README's fidelity), in bfloat16 by 0.06 where
logits are below 16 in size, and in proportion to their size above: 0.16 of SmolLM2-135M against
float32. The factors on top of that are for other kernels and larger logits. 0.5 nats is 0.05 of a
score at beta_v = 0.1, where right answers are 10 nats from wrong ones."""


class Prover:
    """Proves what is loaded into the engines of one server."""

    def __init__(self, layout: Layout | None) -> None:
        """`layout` is None where weights are not compared."""
        self._layout = layout

    @classmethod
    async def of_start(
        cls,
        client: EngineClient,
        parameters: ScoreParameters,
        manifest: Manifest,
        folder: Path | None,
        files: FilesShown,
    ) -> tuple[Self, Proof]:
        """For a server whose engine `client` was started with the model in `folder` (None where it
        is of a hub), and the proof of that. Raises CheckpointRejected."""
        layout = None
        if folder is None:
            weights = Weights(reason="the files are no local folder")
        elif not has_extension(client.vllm_config):
            weights = Weights(reason="--worker-extension-cls is not LaServe's")
        else:
            layout, weights = await Layout.learn(client, folder)
        computation = await replay_probes(client, parameters, manifest)
        return cls(layout), Proof(files=files, weights=weights, computation=computation)

    async def prove(self, deployment: Deployment) -> Proof:
        """Prove a checkpoint that is loaded. Raises CheckpointRejected, naming what it is not."""
        source, client = deployment.source, deployment.client
        assert source is not None
        if deployment.adapter is not None:
            weights = Weights(reason="an adapter's tensors are not compared")
        elif self._layout is None:
            weights = Weights(reason="--worker-extension-cls is not LaServe's")
        else:
            weights = await self._layout.compare(client, source.weights.path)
        manifest = source.checkpoint.manifest
        computation = await replay_probes(
            client, deployment.parameters, manifest, deployment.adapter
        )
        signed = source.checkpoint.is_signed
        proof = Proof(
            files=FilesShown.SIGNATURE if signed else FilesShown.HASHES,
            weights=weights,
            computation=computation,
        )
        logger.info("%s is proven: %s", manifest.checkpoint, proof)
        return proof


async def replay_probes(
    client: EngineClient,
    parameters: ScoreParameters,
    manifest: Manifest,
    adapter: LoRARequest | None = None,
) -> Computation:
    """Replay the manifest's golden probes.

    Raises CheckpointRejected where a log-probability is not the one that training computed.
    """
    probes = manifest.golden_probes
    if not probes:
        return Computation(shown=ComputationShown.NOTHING, reason="its manifest has no probes")
    tolerance = tolerance_of(client, probes)
    computation = Computation(
        shown=ComputationShown.Z_C,
        probes=len(probes),
        largest_difference=await _replay_z_c(client, parameters, probes, adapter, tolerance),
        tolerance=tolerance,
    )
    if manifest.schema_version == 1:
        computation.reason = "its manifest is of schema 1: laserve measure-ref MODEL --renew"
    elif not _keeps_rows(client):
        computation.reason = "this engine runs without LaServe's logits processor"
    else:
        computation.shown = ComputationShown.ROWS
        computation.rows = sum(len(probe.rows) for probe in probes)
        computation.largest_row_difference = await _replay_rows(client, probes, adapter, tolerance)
    return computation


def tolerance_of(client: EngineClient, probes: tuple[GoldenProbe, ...]) -> float:
    """The tolerance for an engine and probes that may be of different types, nats."""
    types = {cast(torch.dtype, client.vllm_config.model_config.dtype)}
    types |= {getattr(torch, probe.dtype) for probe in probes if probe.dtype is not None}
    if client.vllm_config.model_config.quantization is not None:
        types.add(torch.bfloat16)
    return max(TOLERANCES[dtype] for dtype in types)


def _keeps_rows(client: EngineClient) -> bool:
    config = client.vllm_config
    processors = config.model_config.logits_processors or ()
    return has_extension(config) and processor_path(config) in processors


async def _replay_z_c(
    client: EngineClient,
    parameters: ScoreParameters,
    probes: tuple[GoldenProbe, ...],
    adapter: LoRARequest | None,
    tolerance: float,
) -> float:
    """The largest difference of log p(z_c), nats."""
    engine = ScoredEngine(client, parameters, observer=lambda reward, tokens: None)

    async def measure(index: int, probe: GoldenProbe) -> float | None:
        reward = await engine.score(
            tokens_input(list(probe.prompt_token_ids)),
            list(probe.completion_token_ids),
            f"probe-{index}",
            lora_request=adapter,
        )
        return reward.logprob

    measured = await asyncio.gather(*(measure(i, probe) for i, probe in enumerate(probes)))
    largest = 0.0
    for index, (probe, logprob) in enumerate(zip(probes, measured, strict=True)):
        difference = math.inf if logprob is None else abs(logprob - probe.logprob)
        if difference > tolerance:
            raise CheckpointRejected(
                f"golden probe {index} gives log p(z_c) = {logprob}, and training computed "
                f"{probe.logprob:.4f} (tolerance {tolerance}): {_MEANING}"
            )
        largest = max(largest, difference)
    return largest


async def _replay_rows(
    client: EngineClient,
    probes: tuple[GoldenProbe, ...],
    adapter: LoRARequest | None,
    tolerance: float,
) -> float:
    """The largest difference of a row, nats."""
    rows = await read_rows(client, probes, adapter)
    largest = 0.0
    for index, probe in enumerate(probes):
        for number, expected in enumerate(probe.rows):
            found = rows.get((index, number))
            if found is None:
                raise CheckpointRejected(
                    f"golden probe {index}: the engine computed no distribution after "
                    f"{expected.position} tokens: {_MEANING}"
                )
            difference = compare_rows(expected, found)
            if fault := difference.fault(tolerance):
                raise CheckpointRejected(
                    f"golden probe {index} gives another distribution than training computed after "
                    f"{expected.position} tokens: {fault} (tolerance {tolerance}): {_MEANING}"
                )
            largest = max(largest, difference.largest)
    return largest


_MEANING = "the engine does not compute what was trained, or the probes are of other weights"
