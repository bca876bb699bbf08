"""The distributions at the places of the golden probes, read from an engine and compared."""

import asyncio
import base64
import math
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from vllm.engine.protocol import EngineClient
from vllm.inputs.engine import tokens_input
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.core.probes import GoldenProbe, ProbeRow
from laserve.vllm_seam.engine import on_every_worker
from laserve.worker.probe_rows import probing_extra_args
from laserve.worker.row_sketch import RowSketch


async def read_rows(
    client: EngineClient, probes: Sequence[GoldenProbe], adapter: LoRARequest | None
) -> dict[tuple[int, int], RowSketch]:
    """The row of each place of each probe, by the probe's index and the row's. A place whose
    request the engine aborted is missing.

    All of them are asked for at once: they are computed in full batches, as far as the engine
    makes any.
    """

    async def ask(key: str, tokens: list[int]) -> None:
        params = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            extra_args=probing_extra_args(key),
            watermarking=False,
        )
        outputs = client.generate(tokens_input(tokens), params, key, lora_request=adapter)
        async with aclosing(outputs):
            async for _ in outputs:
                pass

    prefix = f"probe-{uuid4().hex}-"
    keys = {
        f"{prefix}{index}-row-{number}": (index, number)
        for index, probe in enumerate(probes)
        for number in range(len(probe.rows))
    }
    await asyncio.gather(
        *(
            ask(key, list(probes[index].token_ids[: probes[index].rows[number].position]))
            for key, (index, number) in keys.items()
        )
    )
    kept: dict[str, Mapping[str, Any]] = {}
    # Of several workers those that sample have the rows, each the same ones.
    for worker in await on_every_worker(client, "take_probe_rows", prefix):
        kept |= worker
    return {keys[key]: RowSketch(**row) for key, row in kept.items() if key in keys}


@dataclass(frozen=True, slots=True)
class RowDifference:
    """How far two distributions are apart."""

    top: float
    """Largest difference among the most probable tokens of either, nats."""
    sketch: float
    """Largest difference of a bucket, over the square root of the tokens in a bucket: what one
    token differs by where all of them differ by as much. Nats."""
    other_argmax: bool
    """Whether another token is the most probable one."""
    margin: float
    """How far training's most probable token is before its second, nats."""

    @property
    def largest(self) -> float:
        """The larger one; infinite where either is no number."""
        both = (self.top, self.sketch)
        return max(both) if all(map(math.isfinite, both)) else math.inf

    def fault(self, tolerance: float) -> str | None:
        """What is beyond a tolerance in nats; None where nothing is."""
        if self.largest > tolerance:
            what = "one of the most probable tokens" if self.top > tolerance else "the sketch"
            return f"{what} is off by {self.largest:.4g} nats"
        # Where both values are within the tolerance, closer ones may change places.
        if self.other_argmax and self.margin > 2 * tolerance:
            return f"another token is the most probable one, by {self.margin:.4g} nats"
        return None


def compare_rows(expected: ProbeRow, found: RowSketch) -> RowDifference:
    """How far `found` is from `expected`. A vocabulary of another size is infinitely far."""
    if expected.vocab_size != found.vocab_size:
        return RowDifference(math.inf, math.inf, other_argmax=True, margin=math.inf)
    ours = dict(zip(expected.top_token_ids, expected.top_logprobs, strict=True))
    theirs = dict(zip(found.top_token_ids, found.top_logprobs, strict=True))
    top = max(max(_distances(ours, theirs)), max(_distances(theirs, ours)))
    buckets = np.frombuffer(base64.b64decode(expected.sketch), dtype="<f4")
    found_buckets = np.frombuffer(found.buckets, dtype="<f4")
    if buckets.shape != found_buckets.shape:
        return RowDifference(top, math.inf, other_argmax=True, margin=math.inf)
    load = max(1.0, expected.vocab_size / len(buckets))
    with np.errstate(invalid="ignore"):
        apart = np.abs(buckets.astype(np.float64) - found_buckets)
    return RowDifference(
        top=top,
        # NaN is propagated, and is no number then.
        sketch=float(apart.max()) / math.sqrt(load),
        other_argmax=expected.top_token_ids[0] != found.top_token_ids[0],
        margin=expected.top_logprobs[0] - expected.top_logprobs[1]
        if len(expected.top_logprobs) > 1
        else math.inf,
    )


def _distances(row: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """Of each token's value from the other's; of a token that the other has not among its top,
    from the least one there, which it cannot be above."""
    least = min(other.values())
    return [
        abs(value - other[token]) if token in other else max(0.0, value - least)
        for token, value in row.items()
    ]
