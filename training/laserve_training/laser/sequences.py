"""Where a solution ends, and z_c right behind its end.

A solution is finished when its last token is an EOS. Tensors are (B, T): B solutions, T tokens;
a prompt is padded on the left, its completion on the right.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ScoringPositions:
    """The place right after each completion's EOS."""

    index_B: Tensor
    """Its index within the completion, 1 to C; meaningless where the solution is not finished."""
    finished_B: Tensor
    """Whether the completion ends with an EOS (bool)."""


def scoring_positions(
    completion_ids: Tensor, completion_mask: Tensor, eos_token_ids: Collection[int]
) -> ScoringPositions:
    """Find them in (B, C) tokens and their mask.

    The mask counts, not the padding: a padding token may be an EOS token as well.
    """
    index = completion_mask.sum(dim=1).long()
    last = completion_ids.gather(1, (index - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
    eos = torch.tensor(sorted(eos_token_ids), device=completion_ids.device)
    return ScoringPositions(index, (index > 0) & torch.isin(last, eos))


def append_scoring_token(
    input_ids: Tensor, attention_mask: Tensor, prompt_length: int, at: ScoringPositions, z_c: int
) -> tuple[Tensor, Tensor]:
    """(B, P + C) tokens and mask as (B, P + C + 1), with z_c right after each EOS.

    Attention is causal, so no other position's log-probability changes.
    """
    rows = input_ids.size(0)
    columns = prompt_length + at.index_B[at.finished_B]
    ids = torch.cat([input_ids, input_ids[:, -1:]], dim=1)
    mask = torch.cat([attention_mask, attention_mask.new_zeros(rows, 1)], dim=1)
    ids[at.finished_B, columns] = z_c
    mask[at.finished_B, columns] = 1
    return ids, mask
