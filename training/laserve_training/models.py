"""What training starts from, and what it leaves: adapters on, adapters merged."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from laserve.core.checkpoint_files import checkpoint_name, hash_file
from laserve.core.weights_hash import weights_hash
from laserve.errors import ConfigurationError
from laserve.reference.hub import cannot_be_loaded, is_local_only
from laserve.reference.load import load_model, load_tokenizer
from laserve_training.config import Config, LoraTable, ModelTable

DTYPES = ("float32", "bfloat16", "float16")
"""What training can calculate in."""

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
"""One of these is in a save whose weights are whole."""


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


def training_dtype(table: ModelTable, start: str | None) -> str:
    """What training calculates in, by torch's name; `start` is the folder or hub id that it starts
    from, None for a new model.

    Raises ConfigurationError for one that this machine, or training at all, cannot calculate in.
    """
    dtype: str = table.dtype
    if dtype == "auto":
        stored = None if start is None else model_config(start).dtype
        dtype = "float32" if stored is None else str(stored).removeprefix("torch.")
    if dtype not in DTYPES:
        raise ConfigurationError(
            f"{start} stores its weights in {dtype}, which training cannot calculate in: set "
            f"model.dtype to one of {', '.join(DTYPES)}"
        )
    if dtype == "float16" and not torch.accelerator.is_available():
        raise ConfigurationError(
            "model.dtype float16 needs a GPU: set model.dtype to bfloat16 or float32"
        )
    return dtype


def load_for_training(table: ModelTable, start: str, dtype: str) -> PreTrainedModel:
    """The model of a folder or hub id with its weights in float32; those that an adapter stands on
    are not trained, and in `dtype`, which training calculates in. Raises ConfigurationError."""
    return load_model(start, "float32" if table.lora is None else dtype, table.attn_implementation)


def outline(table: ModelTable, start: str) -> nn.Module:
    """The model of a folder or hub id as it is trained, with its adapter if it has one, and without
    the values of its weights: what they would take. Raises ConfigurationError.

    Before the trainer's arguments are made: under DeepSpeed's ZeRO-3 these split what is made.
    """
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(model_config(start))
        adapter = peft_config(table.lora)
        return model if adapter is None else get_peft_model(model, adapter)


def model_config(start: str) -> PretrainedConfig:
    """The configuration of a folder or hub id. Raises ConfigurationError."""
    try:
        found: PretrainedConfig = AutoConfig.from_pretrained(
            start, local_files_only=is_local_only(start)
        )
    except (OSError, ValueError) as error:
        raise cannot_be_loaded(start, error) from error
    return found


def start_hash(start: str) -> str | None:
    """A short name for what training starts from: of a folder, for its weights; of a hub id, its
    commit. None where neither is known. Raises ConfigurationError."""
    folder = Path(start)
    if not folder.is_dir():
        commit: str | None = model_config(start)._commit_hash
        return commit
    return weights_hash({path.name: hash_file(path) for path in folder.glob("*.safetensors")})


def load_trained(save: Path, start: str | None, table: ModelTable, dtype: str) -> PreTrainedModel:
    """The model that a trainer saved, whole or as an adapter on `start`, which is merged into it;
    its weights in `dtype`. Raises ConfigurationError."""
    if not any((save / name).is_file() for name in WEIGHTS):
        raise ConfigurationError(
            f"{save} does not hold its weights as one model. FSDP: "
            f"`accelerate merge-weights {save}/pytorch_model_fsdp_0 {save}`; DeepSpeed: "
            f"`python {save}/zero_to_fp32.py --safe_serialization {save} {save}`. To have them "
            "saved so: fsdp_state_dict_type FULL_STATE_DICT, zero3_save_16bit_model true"
        )
    if table.lora is None or start is None:
        return load_model(str(save), dtype)
    adapted: Any = PeftModel.from_pretrained(load_model(start, dtype), str(save))
    return cast(PreTrainedModel, adapted.merge_and_unload())


def as_trained(dtype: str, device: str) -> AbstractContextManager[Any]:
    """In this context a model whose weights are in float32 calculates as it does in training."""
    if dtype == "float32":
        return nullcontext()
    return torch.autocast(device, dtype=getattr(torch, dtype))


def device_arguments(dtype: str) -> dict[str, Any]:
    """The trainer's arguments on where, and in what, it calculates."""
    return {
        "bf16": dtype == "bfloat16",
        "fp16": dtype == "float16",
        "use_cpu": not torch.accelerator.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
    }


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
