"""Bad numbers in weights and probes, which only the computation shows, or their bits."""

import base64
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from laserve.core.checkpoint_files import MANIFEST_NAME
from tests.tiny_checkpoints.build import BETA_V, C_REF
from tests.tiny_checkpoints.change import HEAD, NORM, change_tensors, edit_json, flip_a_bit
from tests.tiny_checkpoints.mutation import Mutation, Stage, on_disk


def _shift_probes(content: dict[str, Any]) -> None:
    for probe in content["golden_probes"]:
        probe["logprob"] -= 3.0
        probe["score"] = BETA_V * (probe["logprob"] - C_REF.mean)


def _output_rows(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], object]:
    """Give the tokens from "0" on each other's rows of the output layer."""
    first = 15  # of "0", in the tokenizer of bytes

    def apply(tensors: dict[str, torch.Tensor]) -> None:
        tensors[HEAD][first : first + 10] = change(tensors[HEAD][first : first + 10].clone())

    return change_tensors(apply)


def _swap_two(rows: torch.Tensor) -> torch.Tensor:
    rows[[2, 7]] = rows[[7, 2]]
    return rows


def _element(name: str, row: int, value: float) -> Callable[[Path], object]:
    """Put one number into a tensor."""

    def apply(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name][row] = value

    return change_tensors(apply)


_SQUARE = "model.layers.0.self_attn.q_proj.weight"


def _computed(change: Callable[[dict[str, torch.Tensor]], object]) -> Mutation:
    """Sound files with the right hashes, of other numbers than the probes are of."""
    return Mutation(change_tensors(change), "golden probe", Stage.PROBES, rehash=True)


def _swap_layers(tensors: dict[str, torch.Tensor]) -> None:
    for name in [name for name in tensors if name.startswith("model.layers.0.")]:
        other = name.replace("layers.0.", "layers.1.")
        tensors[name], tensors[other] = tensors[other], tensors[name]


def _no_number_in_a_sketch(content: dict[str, Any]) -> None:
    row = content["golden_probes"][0]["rows"][0]
    size = len(base64.b64decode(row["sketch"])) // 4
    row["sketch"] = base64.b64encode(struct.pack("<f", math.nan) * size).decode()


NUMBERS: dict[str, Mutation] = {
    "NaN weights": on_disk(
        change_tensors(lambda tensors: tensors.update({NORM: torch.full((64,), math.nan)})),
        "'model.safetensors': tensor 'model.norm.weight' holds NaN or infinity",
    ),
    "NaN in an embedding that no probe meets": on_disk(
        _element("model.embed_tokens.weight", 383, math.nan),
        "tensor 'model.embed_tokens.weight' holds NaN or infinity",
    ),
    "infinity": on_disk(
        _element("model.layers.1.mlp.down_proj.weight", 3, -math.inf), "holds NaN or infinity"
    ),
    "swapped rows of the output": Mutation(
        _output_rows(_swap_two), "golden probe 0 gives another distribution", Stage.PROBES, True
    ),
    "reversed rows of the output": Mutation(
        _output_rows(lambda rows: rows.flip(0)),
        "golden probe 0 gives another distribution",
        Stage.PROBES,
        rehash=True,
    ),
    "flipped bit with its hash": Mutation(flip_a_bit, "probe", Stage.PROBES, rehash=True),
    "probes of another checkpoint": Mutation(
        lambda folder: edit_json(folder / MANIFEST_NAME, _shift_probes), "probe", Stage.PROBES
    ),
    "layers in another order": _computed(_swap_layers),
    "transposed matrix": _computed(
        lambda tensors: tensors.update({_SQUARE: tensors[_SQUARE].T.contiguous()})
    ),
    "norm that is a little larger": _computed(lambda tensors: tensors[NORM].mul_(1.05)),
    "output of zeros": _computed(lambda tensors: tensors[HEAD].zero_()),
    "numbers that overflow": _computed(
        lambda tensors: tensors["model.layers.0.mlp.up_proj.weight"].mul_(3e38)
    ),
    "the other sign": _computed(
        lambda tensors: tensors["model.layers.1.mlp.down_proj.weight"].neg_()
    ),
    "sketch that is no number": Mutation(
        lambda folder: edit_json(folder / MANIFEST_NAME, _no_number_in_a_sketch),
        "golden probe 0 gives another distribution.*the sketch is off by inf",
        Stage.PROBES,
    ),
}
