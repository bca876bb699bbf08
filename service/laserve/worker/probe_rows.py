"""Rows that the golden probes ask for, from the logits processor to who replays the probes.

A probe is a request of one token whose `extra_args` name a key. Where its row is computed the
processor keeps the row's sketch under that key, and `collective_rpc` fetches all of them: a row
itself does not leave the worker.
"""

from dataclasses import asdict
from typing import Any

import torch
from vllm.sampling_params import SamplingParams

from laserve.worker.config import KEY
from laserve.worker.row_sketch import sketch_row

_PROBE = "probe"

_kept: dict[str, dict[str, Any]] = {}
"""Of this worker's one engine, from the probes' requests to the call that fetches them."""


def probing_extra_args(key: str) -> dict[str, Any]:
    """`extra_args` of a request whose row is to be kept under `key`."""
    return {KEY: {_PROBE: key}}


def probe_key(params: SamplingParams) -> str | None:
    """The key that the request's row is to be kept under; None where it is no probe."""
    asked = (params.extra_args or {}).get(KEY)
    return asked[_PROBE] if isinstance(asked, dict) else None


def keep_row(key: str, logits: torch.Tensor) -> None:
    """Keep the sketch of a row of raw logits, (V,). Of a prompt that is computed in chunks the
    last one's row is the one that stays."""
    _kept[key] = asdict(sketch_row(logits))


def take_rows(prefix: str) -> dict[str, dict[str, Any]]:
    """What was kept under keys that begin so, by key, and none of it any more: several API servers
    prove one engine at a time. The fields of `RowSketch`."""
    return {key: _kept.pop(key) for key in list(_kept) if key.startswith(prefix)}
