"""Reads what a frozen model gives the output layer: behind the EOS of solutions, and in texts."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from laserve_training.probe.output_layer import OutputLayer, last_hidden_states
from laserve_training.probe.positions import Positions
from laserve_training.shared_prefix import can_share, read_prefix, shared_length

BATCH_TOKENS = 1 << 13
"""Of a forward pass, padding included, where more than one sequence is in it."""
LOGIT_ROWS = 256
"""Positions whose logits are held at once."""


def read_positions(
    model: PreTrainedModel,
    layer: OutputLayer,
    sequences: Sequence[Sequence[int]],
    z_c: int,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Positions]]:
    """(index, the places behind each of its tokens) of each sequence, longest first; float32, on
    the CPU. `on_progress` is told how many were read.

    Each is read once, however often it occurs, and so is what all of a batch begin with. Padding is
    on the right, where a causal model does not see it. The model is put into evaluation mode.
    """
    model.eval()
    shares = can_share(model)
    places: dict[tuple[int, ...], list[int]] = {}
    for index, sequence in enumerate(sequences):
        places.setdefault(tuple(sequence), []).append(index)
    order = sorted(places, key=lambda sequence: -len(sequence))
    start = 0
    while start < len(order):
        width = len(order[start])
        batch = order[start : start + max(1, BATCH_TOKENS // width)]
        start += len(batch)
        ids_BT = torch.zeros(len(batch), width, dtype=torch.long)
        mask_BT = torch.zeros(len(batch), width, dtype=torch.long)
        for row, sequence in enumerate(batch):
            ids_BT[row, : len(sequence)] = torch.tensor(sequence)
            mask_BT[row, : len(sequence)] = 1
        ids_BT, mask_BT = ids_BT.to(model.device), mask_BT.to(model.device)
        shared = shared_length(batch, width - 1) if shares else 0
        with torch.inference_mode():
            hidden_BTD = _hidden_states(model, ids_BT, mask_BT, shared)
            hidden_ND = hidden_BTD[mask_BT.bool()]
            others_N = _others(layer, hidden_ND, z_c)
        read = Positions(hidden_ND.float().cpu(), others_N.cpu())
        end = 0
        for sequence in batch:
            begin, end = end, end + len(sequence)
            for index in places[sequence]:
                yield index, read[torch.arange(begin, end)]
        if on_progress is not None:
            on_progress(sum(len(places[sequence]) for sequence in batch))


def _hidden_states(model: PreTrainedModel, ids_BT: Tensor, mask_BT: Tensor, shared: int) -> Tensor:
    """(B, T, D); the first `shared` tokens are the same in all rows."""
    if not shared:
        return last_hidden_states(model, ids_BT, mask_BT)
    prefix_PD, cache = read_prefix(model, ids_BT[0, :shared], len(ids_BT))
    rest_BRD = model.base_model(
        input_ids=ids_BT[:, shared:], attention_mask=mask_BT, past_key_values=cache
    ).last_hidden_state
    return torch.cat([prefix_PD.expand(len(ids_BT), -1, -1), rest_BRD], dim=1)


def _others(layer: OutputLayer, hidden_ND: Tensor, z_c: int) -> Tensor:
    """(N,) logsumexp of all tokens' logits but z_c's, float32."""
    parts = []
    for start in range(0, len(hidden_ND), LOGIT_ROWS):
        hidden_RD = hidden_ND[start : start + LOGIT_ROWS]
        logits_RV = layer.logits.logits(hidden_RD @ layer.weight_VD.T).float()
        logits_RV[:, z_c] = -torch.inf
        parts.append(logits_RV.logsumexp(-1))
    return torch.cat(parts)
