"""A row of log-probabilities over the vocabulary, small enough to be kept and sent.

The most probable tokens one by one, and of all tokens a count sketch (Charikar, Chen and
Farach-Colton, 2002): each token's log-probability is added, with a sign of its own, to one of some
thousand buckets. Two tokens that are swapped change two buckets by the whole difference between
them, where a dense projection of 152k tokens would drown it in their rounding.
"""

from dataclasses import dataclass

import torch

TOP_TOKENS = 64
MAX_BUCKETS = 4096

# Odd multipliers of 32 bits, by Knuth's multiplicative hashing: the bucket is made of the
# product's highest bits, the sign of the next function's highest one.
_BUCKET, _SIGN = 2654435761, 2246822519
_BITS = 32


@dataclass(frozen=True, slots=True)
class RowSketch:
    """What is kept of one row. Log-probabilities in nats."""

    vocab_size: int
    top_token_ids: list[int]
    """The most probable tokens, the first one first."""
    top_logprobs: list[float]
    buckets: bytes
    """The count sketch: float32, little-endian."""


def buckets_for(vocab_size: int) -> int:
    """How many buckets the sketch of so many tokens has: a power of two."""
    return min(MAX_BUCKETS, 1 << (vocab_size - 1).bit_length())


def sketch_row(logits: torch.Tensor) -> RowSketch:
    """The sketch of one row of raw logits, (V,) of any float type, computed on its device."""
    logprobs = logits.double().log_softmax(-1)
    vocab_size = logprobs.shape[0]
    top = logprobs.topk(min(TOP_TOKENS, vocab_size))
    tokens = torch.arange(vocab_size, device=logits.device)
    count = buckets_for(vocab_size)
    places = _hashed(tokens, _BUCKET) >> (_BITS - count.bit_length() + 1)
    signs = 1 - 2 * (_hashed(tokens, _SIGN) >> (_BITS - 1))
    buckets = torch.zeros(count, dtype=torch.float64, device=logits.device)
    buckets.index_add_(0, places, logprobs * signs)
    return RowSketch(
        vocab_size=vocab_size,
        top_token_ids=top.indices.tolist(),
        top_logprobs=top.values.tolist(),
        buckets=buckets.float().cpu().numpy().astype("<f4").tobytes(),
    )


def _hashed(tokens: torch.Tensor, multiplier: int) -> torch.Tensor:
    """32 bits of each id. Ids have less than 31, so that no product is beyond 63."""
    return ((tokens + 1) * multiplier) & ((1 << _BITS) - 1)
