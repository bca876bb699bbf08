"""One completion as a golden probe: what Hugging Face's forward pass gives for it."""

import base64
import math
from collections.abc import Sequence
from typing import Literal, cast

import torch
from transformers import PreTrainedModel

from laserve.core.manifest import Manifest
from laserve.core.probes import GoldenProbe, ProbeRow
from laserve.errors import ConfigurationError
from laserve.worker.row_sketch import sketch_row

ROWS = 4
"""Places of a completion that a probe keeps the distribution of: from its first token to where z_c
is read, evenly."""


def measure_probe(
    model: PreTrainedModel, where: str, prompt: Sequence[int], completion: Sequence[int], z_c: int
) -> GoldenProbe:
    """log pi(z_c | x, y) of one completion, and the distributions at `ROWS` places.

    One completion a pass: no padding, so nothing but its own tokens can enter its values. Raises
    ConfigurationError, with `where` it stands, for values that are not finite.
    """
    tokens = [*prompt, *completion]
    positions = [
        len(prompt) + position
        for position in sorted({len(completion) * part // (ROWS - 1) for part in range(ROWS)})
    ]
    kept = torch.tensor(positions, device=model.device) - 1
    input_ids = torch.tensor([tokens], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=input_ids, logits_to_keep=kept, use_cache=False).logits[0]
    logprob = float(logits[-1].float().log_softmax(-1)[z_c])
    if not (math.isfinite(logprob) and bool(logits.isfinite().all())):
        raise ConfigurationError(
            f"{where}: log p of z_c={z_c} is {logprob}, or that of another token is not finite; "
            "measure with --dtype float32"
        )
    return GoldenProbe(
        prompt_token_ids=tuple(prompt),
        completion_token_ids=tuple(completion),
        # Rounding can lift the log of a probability of almost 1 above 0.
        logprob=min(logprob, 0.0),
        dtype=cast(
            Literal["float32", "float16", "bfloat16"], str(model.dtype).removeprefix("torch.")
        ),
        rows=tuple(map(_row, positions, logits)),
    )


def measure_again(model: PreTrainedModel, manifest: Manifest) -> tuple[GoldenProbe, ...]:
    """The golden probes of a manifest, measured of `model`, which is put into evaluation mode.
    Raises ConfigurationError."""
    model.eval()
    return tuple(
        measure_probe(
            model,
            f"golden_probes.{index}",
            probe.prompt_token_ids,
            probe.completion_token_ids,
            manifest.z_c,
        )
        for index, probe in enumerate(manifest.golden_probes)
    )


def _row(position: int, logits: torch.Tensor) -> ProbeRow:
    sketch = sketch_row(logits)
    return ProbeRow(
        position=position,
        vocab_size=sketch.vocab_size,
        top_token_ids=tuple(sketch.top_token_ids),
        top_logprobs=tuple(min(logprob, 0.0) for logprob in sketch.top_logprobs),
        sketch=base64.b64encode(sketch.buckets).decode(),
    )
