"""What all sequences of a batch begin with, such as a system prompt, is computed once for all."""

from collections.abc import Sequence
from itertools import takewhile
from typing import cast

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

LEAST = 8
"""Tokens: below that nothing is gained."""


def shared_length(sequences: Sequence[Sequence[int]], limit: int) -> int:
    """How many tokens all sequences begin with, up to `limit`; 0 where it is not worth a pass."""
    if len(sequences) == 1:
        return 0
    places = takewhile(lambda tokens: len(set(tokens)) == 1, zip(*sequences, strict=False))
    length = min(sum(1 for _ in places), limit)
    return length if length >= LEAST else 0


def read_prefix(model: PreTrainedModel, prefix_P: Tensor, rows: int) -> tuple[Tensor, DynamicCache]:
    """(P, D) last hidden states of a prefix, and its cache for so many rows that go on from it. In
    inference mode."""
    output = model.base_model(input_ids=prefix_P[None], use_cache=True)
    cache = cast(DynamicCache, output.past_key_values)
    cache.batch_repeat_interleave(rows)
    hidden_PD: Tensor = output.last_hidden_state[0]
    return hidden_PD, cache


def can_share(model: PreTrainedModel) -> bool:
    """Whether a prefix's state is a cache of keys and values: not in recurrent models."""
    token = torch.zeros(1, 1, dtype=torch.long, device=model.device)
    with torch.inference_mode():
        output = model.base_model(input_ids=token, use_cache=True)
        cache = getattr(output, "past_key_values", None)
    return type(cache) is DynamicCache
