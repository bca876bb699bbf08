"""A log-probability as token ids: the form in which a score leaves the engine.

A sampler step can hand out nothing but a token id, so at the scoring step log p(z_c) is rounded
to one of B**D levels and written as D digits in base B, where B is the vocabulary without z_c.
D is the smallest number of digits that rounds by at most `TOLERANCE`: one for vocabularies from
48,003 tokens on, two from 221 on. z_c itself never is a digit: in the place of one it says that
there is no value.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

RANGE = 48.0
"""Nats: log-probabilities in [-RANGE, 0] are carried. Qwen2.5's c_ref is -23; what lies below
-48 is told as out of range, and read by a second request."""

TOLERANCE = 5e-4
"""Nats: the largest rounding error. With beta_v = 0.1 that is 5e-5 in the score."""


@dataclass(frozen=True)
class ScoreCodec:
    """Both ends of the transport: the worker encodes, the server decodes.

    Attributes:
        vocab_size: width of the logits, V.
        z_c: the token whose log-probability is carried.
    """

    vocab_size: int
    z_c: int

    @cached_property
    def digits(self) -> int:
        """D: how many token ids one value takes."""
        digits = 1
        while self.base**digits - 2 < RANGE / (2 * TOLERANCE):
            digits += 1
        return digits

    @property
    def base(self) -> int:
        """B: how many token ids a digit may be."""
        return self.vocab_size - 1

    @property
    def out_of_range(self) -> int:
        """The highest level is none of a value: it says that the value cannot be carried."""
        return int(self.base**self.digits) - 1

    @property
    def _step(self) -> float:
        """Nats between two neighbouring levels."""
        return RANGE / (self.out_of_range - 1)

    def encode(self, logprobs: torch.Tensor) -> torch.Tensor:
        """Token ids of log-probabilities in nats.

        Shapes: (R,) float -> (R, D) int64, most significant digit first. Runs on the tensor's
        device without a synchronisation.
        """
        values = logprobs.double()
        carried = (values >= -RANGE) & (values <= 0.0)
        levels = torch.where(carried, (-values / self._step).round(), float(self.out_of_range))
        remainder = levels.long()
        digits = []
        for _ in range(self.digits):
            digits.append(remainder % self.base)
            remainder = remainder // self.base
        tokens = torch.stack(digits[::-1], dim=-1)
        return tokens + (tokens >= self.z_c)

    def decode(self, tokens: list[int]) -> float | None:
        """The log-probability (nats) that ``tokens`` (D ids) carry.

        None where there is none to read: the value was out of range, or the message is not whole.
        """
        if len(tokens) < self.digits or self.z_c in tokens[: self.digits]:
            return None
        level = 0
        for token in tokens[: self.digits]:
            level = level * self.base + token - (token > self.z_c)
        return None if level == self.out_of_range else -level * self._step
