"""What a row of the output layer is given, and what it makes of it.

D is the width of the hidden state. For a row w and a last hidden state h

    logit   = cap * tanh(scale * w . h / cap)         scale * w . h where the model has no soft-cap
    log p   = -log(1 + exp(others - logit))           others: logsumexp of the other tokens' logits

so that the product w . h that gives a log-probability is known exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


@dataclass(frozen=True, slots=True)
class Positions:
    """N places of texts: each says what token may follow."""

    hidden_ND: Tensor
    """Last hidden states, as the output layer takes them."""
    others_N: Tensor
    """logsumexp of the logits of all tokens but z_c, nats."""

    def __len__(self) -> int:
        return len(self.others_N)

    def __getitem__(self, kept: Tensor) -> "Positions":
        """Those of a mask (N,) or of indices."""
        return Positions(self.hidden_ND[kept], self.others_N[kept])


@dataclass(frozen=True, slots=True)
class LogitScale:
    """How a model makes a logit of the product of a row and a hidden state."""

    scale: float = 1.0
    cap: float | None = None
    """Soft-cap; None where there is none."""

    def logits(self, products: Tensor) -> Tensor:
        """Of products w . h; elementwise."""
        scaled = self.scale * products
        return scaled if self.cap is None else self.cap * torch.tanh(scaled / self.cap)

    def products(self, logits: Tensor) -> Tensor:
        """The inverse: infinite where the soft-cap lets no logit so large through."""
        if self.cap is not None:
            logits = self.cap * torch.atanh((logits / self.cap).clamp(-1.0, 1.0))
        return logits / self.scale

    def products_for(self, logprobs_N: Tensor, others_N: Tensor) -> Tensor:
        """w . h that gives these log-probabilities (nats, below 0)."""
        odds_N = logprobs_N - torch.log(-torch.expm1(logprobs_N))
        return self.products(others_N + odds_N)

    def logprobs(self, row_D: Tensor, at: Positions) -> Tensor:
        """(N,) log p(z_c) in nats, float64."""
        products_N = (at.hidden_ND @ row_D.to(at.hidden_ND.dtype)).double()
        return logsigmoid(self.logits(products_N) - at.others_N.double())
