"""The score at temperature 1 where the policy is trained at another.

TRL's fused head divides every logit by the sampling temperature T. The score is defined by the raw
distribution, and log_softmax(l / T) does not tell log_softmax(l). The head is linear without a
bias, so T times the hidden state gives T times the logits, and the division undoes it exactly. (The
authors' code multiplies the log-probability by T instead, which is exact for T = 1 only.)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from laserve.errors import ConfigurationError
from laserve_training.laser.sequences import ScoringPositions


def check_temperature(model: PreTrainedModel, temperature: float) -> None:
    """Raise ConfigurationError where a temperature other than 1 cannot be taken back."""
    text = model.config.get_text_config()
    has_bias = getattr(model.get_output_embeddings(), "bias", None) is not None
    has_cap = getattr(text, "final_logit_softcapping", None) is not None
    if temperature != 1.0 and (has_bias or has_cap):
        part = "a bias in its output layer" if has_bias else "a cap on its logits"
        raise ConfigurationError(
            f"temperature={temperature}: {type(model).__name__} has {part}, so the score at "
            "temperature 1 cannot be told from logits divided by it. Train at temperature 1"
        )


@contextmanager
def scored_at_temperature_one(
    backbone: nn.Module, at: ScoringPositions, prompt_length: int, temperature: float
) -> Iterator[None]:
    """Inside, the hidden state of each finished row's EOS leaves `backbone` multiplied by T.

    Nothing but z_c is predicted from it. Rows come in chunks, in order.
    """
    if temperature == 1.0:
        yield
        return
    done = 0

    def scale(module: nn.Module, args: Any, output: Any) -> Any:
        nonlocal done
        hidden: Tensor = output.last_hidden_state
        chunk = slice(done, done + hidden.size(0))
        done = chunk.stop
        finished = at.finished_B[chunk]
        factor = torch.ones_like(hidden[..., :1])
        factor[finished, prompt_length + at.index_B[chunk][finished] - 1] = temperature
        output.last_hidden_state = hidden * factor
        return output

    handle = backbone.register_forward_hook(scale)
    try:
        yield
    finally:
        handle.remove()
