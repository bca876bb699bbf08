"""What a row is fitted on: hidden states behind the EOS of solutions, and inside of texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from laserve.core.types import Status
from laserve_training.evaluation.samples import SampledProblem
from laserve_training.probe.output_layer import OutputLayer
from laserve_training.probe.positions import Positions
from laserve_training.probe.reading import read_positions

TEXT_BYTES = 1 << 29
"""Of the hidden states of texts that are kept, in float32: a random part of them where there are
more."""
HELD_OUT = 5
"""Of so many problems, or texts, the places in one are for the report, and not fitted on."""


@dataclass(frozen=True, slots=True)
class Features:
    """Of solutions and texts of one model."""

    ends: Positions
    """Behind the EOS of each finished solution, in their order."""
    texts: Positions
    """Where text goes on."""
    held_out: Positions
    """The same, of other problems and texts."""


def read_features(
    model: PreTrainedModel,
    layer: OutputLayer,
    z_c: int,
    problems: Sequence[SampledProblem],
    texts: Sequence[tuple[int, ...]],
    on_progress: Callable[[int], None],
    *,
    text_bytes: int = TEXT_BYTES,
) -> Features:
    """Read all of them in one pass over each sequence."""
    sequences: list[tuple[int, ...]] = []
    ends: list[bool] = []
    held_out: list[bool] = []
    for number, problem in enumerate(problems):
        for sample in problem.samples:
            sequences.append((*sample.prompt_token_ids, *sample.completion_token_ids))
            ends.append(sample.reward.status is Status.SCORED)
            held_out.append(number % HELD_OUT == 0)
    sequences += texts
    ends += [False] * len(texts)
    held_out += [number % HELD_OUT == 0 for number in range(len(texts))]
    places = sum(map(len, sequences))
    share = text_bytes / (4 * layer.weight_VD.shape[1] * places)
    generator = torch.Generator().manual_seed(0)
    at_ends: dict[int, Positions] = {}
    inside: dict[bool, list[Positions]] = {False: [], True: []}
    for index, read in read_positions(model, layer, sequences, z_c, on_progress):
        if ends[index]:
            at_ends[index] = read[torch.tensor([len(read) - 1])]
            read = read[torch.arange(len(read) - 1)]
        kept = torch.rand(len(read), generator=generator) < share
        inside[held_out[index]].append(read[kept])
    return Features(
        ends=_joined([at_ends[index] for index in sorted(at_ends)]),
        texts=_joined(inside[False]),
        held_out=_joined(inside[True]),
    )


def save_features(path: Path, features: Features, key: str) -> None:
    """Write them, to be found by `load_features` under the same key."""
    tensors = {
        f"{name}.{part}": tensor
        for name in Features.__slots__
        for part, tensor in _tensors(getattr(features, name)).items()
    }
    temporary = path.with_suffix(".part")
    save_file(tensors, temporary, metadata={"key": key})
    temporary.replace(path)


def load_features(path: Path, key: str) -> Features | None:
    """What was saved under this key; None where there is no such file, or one of another key."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        if (file.metadata() or {}).get("key") != key:
            return None
        ends, texts, held_out = (
            Positions(file.get_tensor(f"{name}.hidden"), file.get_tensor(f"{name}.others"))
            for name in ("ends", "texts", "held_out")
        )
    return Features(ends, texts, held_out)


def _tensors(positions: Positions) -> dict[str, Tensor]:
    return {"hidden": positions.hidden_ND, "others": positions.others_N}


def _joined(parts: Sequence[Positions]) -> Positions:
    return Positions(
        torch.cat([part.hidden_ND for part in parts]),
        torch.cat([part.others_N for part in parts]),
    )
