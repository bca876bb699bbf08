"""Loads a model and its tokenizer from a folder or a hub."""

from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from laserve.reference.hub import cannot_be_loaded, is_local_only


def load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint folder or hub id. Raises ConfigurationError."""
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            model, local_files_only=is_local_only(model)
        )
    except (OSError, ValueError) as error:
        raise cannot_be_loaded(model, error, "the tokenizer of ") from error
    return tokenizer


def load_model(model: str, dtype: str, attn_implementation: str | None = None) -> PreTrainedModel:
    """The causal language model of a checkpoint folder or hub id, on the CPU.

    `dtype` is one of torch's names, or "auto": as the checkpoint stores its weights.
    `attn_implementation` is one of transformers' names, or None: its own choice. Raises
    ConfigurationError.
    """
    try:
        loaded: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            model,
            dtype=dtype,
            attn_implementation=attn_implementation,
            local_files_only=is_local_only(model),
        )
    # An ImportError says what an implementation of the attention needs.
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise cannot_be_loaded(model, error) from error
    return loaded
