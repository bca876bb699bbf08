"""The output layer of a model as Hugging Face has it: what a row of it is given, and makes."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import PreTrainedModel

from laserve.errors import ConfigurationError
from laserve_training.probe.positions import LogitScale

TRIED_TOKENS = 8
AGREEMENT = 1e-3
"""Nats: how far the logits of a model in float32 may be from what is computed here."""


@dataclass(frozen=True, slots=True)
class OutputLayer:
    """One matrix without a bias, of rows that are in no quantised form."""

    weight_VD: Tensor
    logits: LogitScale
    names: tuple[str, ...]
    """Of its parameter, which may be that of the embeddings too (tied)."""

    @classmethod
    def of(cls, model: PreTrainedModel) -> "OutputLayer":
        """That of `model`. Raises ConfigurationError where it is of another kind."""
        head = model.get_output_embeddings()
        if type(head) is not nn.Linear or not head.weight.is_floating_point():
            raise ConfigurationError(
                f"the output layer of {model.name_or_path} is quantised, or no plain matrix: a row "
                "of it cannot be written. Take one that leaves lm_head as it is, as most quantised "
                "models do"
            )
        if getattr(head, "bias", None) is not None:
            raise ConfigurationError(
                f"the output layer of {model.name_or_path} has a bias, with which no row is fitted"
            )
        weight = head.weight
        names = tuple(
            name
            for name, parameter in model.named_parameters(remove_duplicate=False)
            if parameter is weight
        )
        layer = cls(weight.detach(), _logit_scale(model), names)
        layer._check(model)
        return layer

    def stored_dtype(self, folder: Path) -> torch.dtype:
        """Of its matrix in a checkpoint's files. Raises ConfigurationError where none has it."""
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                for name in set(file.keys()).intersection(self.names):
                    dtype: torch.dtype = file.get_slice(name)[:1].dtype
                    return dtype
        raise ConfigurationError(
            f"no *.safetensors file of {folder} has {' or '.join(self.names)}: save the model with "
            "`save_pretrained`"
        )

    def _check(self, model: PreTrainedModel) -> None:
        """Raise ConfigurationError unless the model's own logits are what is computed here."""
        ids = torch.arange(TRIED_TOKENS, device=model.device)[None]
        with torch.inference_mode():
            hidden = last_hidden_states(model, ids, torch.ones_like(ids))
            found = self.logits.logits(hidden @ self.weight_VD.T).float()
            expected = model(input_ids=ids, use_cache=False).logits.float()
        differences = (found.log_softmax(-1) - expected.log_softmax(-1)).abs()
        tolerance = AGREEMENT if model.dtype == torch.float32 else 1.0
        if found.shape != expected.shape or not bool((differences <= tolerance).all()):
            raise ConfigurationError(
                f"{model.name_or_path} makes its logits in another way than by one matrix, a scale "
                "and a soft-cap: no row can be fitted for it"
            )


def last_hidden_states(model: PreTrainedModel, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """(B, T, D) what the output layer is given."""
    hidden: Tensor = model.base_model(
        input_ids=ids_BT, attention_mask=mask_BT, use_cache=False
    ).last_hidden_state
    return hidden


def _logit_scale(model: PreTrainedModel) -> LogitScale:
    """By the names that transformers' models have for it."""
    config = model.config.get_text_config()
    scale = float(getattr(config, "logit_scale", None) or 1.0)
    scale /= float(getattr(config, "logits_scaling", None) or 1.0)
    return LogitScale(scale, getattr(config, "final_logit_softcapping", None))
