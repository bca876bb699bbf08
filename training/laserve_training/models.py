"""What training starts from, and what it leaves: adapters on, adapters merged."""

from typing import Any, cast

from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.checkpoint_files import checkpoint_name
from laserve.errors import ConfigurationError
from laserve.reference.load import load_tokenizer
from laserve_training.config import Config, LoraTable


def training_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder or hub id; pads with the EOS where it has no padding token.

    Raises ConfigurationError.
    """
    tokenizer = load_tokenizer(path)
    if tokenizer.eos_token is None:
        raise ConfigurationError(f"the tokenizer of {path} has no EOS: set its eos_token")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def peft_config(table: LoraTable | None) -> LoraConfig | None:
    """PEFT's configuration of `[model.lora]`."""
    if table is None:
        return None
    targets = table.target_modules
    return LoraConfig(
        r=table.r,
        lora_alpha=table.alpha,
        lora_dropout=table.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )


def merged(model: Any) -> PreTrainedModel:
    """A trained model with its adapter, if it has one, merged into its weights."""
    plain: PreTrainedModel = model.merge_and_unload() if isinstance(model, PeftModel) else model
    return plain


def base_name(config: Config) -> str:
    """Public name of what LaSeR starts from."""
    return (
        checkpoint_name(cast(str, config.model.path))
        if config.sft is None
        else (f"{config.name}-start")
    )


def start_of(config: Config) -> str:
    """What LaSeR starts from: the fine-tuned model where [sft] is given, else model.path.

    Raises ConfigurationError where fine-tuning has not been done.
    """
    if config.sft is None:
        return cast(str, config.model.path)
    folder = config.output / "sft"
    if not (folder / "config.json").is_file():
        raise ConfigurationError(f"{folder} has no model: run `laserve-train sft` first")
    return str(folder)
