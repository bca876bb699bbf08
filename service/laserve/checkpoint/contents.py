"""What a checkpoint folder holds, beside the numbers in its weights."""

import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laserve.checkpoint.model_config import text_config
from laserve.checkpoint.safetensors_header import Tensor
from laserve.checkpoint.strict_json import few, read_json, read_object
from laserve.checkpoint.tokenizer import TOKENIZER_FILES, LoadedTokenizer, load_tokenizer
from laserve.checkpoint.weights import INDEX_NAME, read_weights
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.eos import join_eos_tokens
from laserve.errors import CheckpointRejected

_CONFIG, GENERATION_CONFIG_NAME = "config.json", "generation_config.json"
_COMPARED = {INDEX_NAME, *TOKENIZER_FILES}
"""Further JSON files with a comparison of their own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The JSON files of a checkpoint folder."""

    config: dict[str, Any]
    generation: dict[str, Any] | None
    """generation_config.json, where there is one."""
    others: dict[str, Any]
    """Further files that an engine may read, by name."""


@dataclass(frozen=True, slots=True)
class CheckpointContents:
    """Everything that must be the same for two checkpoints to be served one after the other."""

    settings: Settings
    tensors: dict[str, Tensor]
    tokenizer: LoadedTokenizer


def read_contents(folder: Path) -> CheckpointContents:
    """Read a checkpoint folder; of the weights only the headers. Raises CheckpointRejected."""
    return CheckpointContents(read_settings(folder), read_weights(folder), load_tokenizer(folder))


def read_settings(folder: Path) -> Settings:
    """Read a folder's JSON files. Raises CheckpointRejected, also for settings that name code."""
    names = {path.name for path in folder.glob("*.json") if not path.name.startswith(".")}
    if _CONFIG not in names:
        raise CheckpointRejected(f"{_CONFIG!r} is missing")
    config = read_object(folder, _CONFIG)
    generation = (
        read_object(folder, GENERATION_CONFIG_NAME) if GENERATION_CONFIG_NAME in names else None
    )
    unread = sorted(names - {_CONFIG, GENERATION_CONFIG_NAME, MANIFEST_NAME})
    others = {name: read_json(folder, name) for name in unread}
    # Before a library reads them, which might run what an auto_map names.
    with_code = {
        name
        for name, content in [(_CONFIG, config), *others.items()]
        if isinstance(content, dict) and "auto_map" in content
    }
    if with_code:
        raise CheckpointRejected(
            f"auto_map in {few(with_code)}: code from a checkpoint is never run. Remove it, if the "
            "model is one of transformers' own"
        )
    return Settings(config, generation, {name: others[name] for name in others.keys() - _COMPARED})


def find_eos_token_ids(settings: Settings, tokenizer: LoadedTokenizer) -> frozenset[int]:
    """Where the engine would end a completion: the tokenizer's EOS and those of the generation
    configuration, for which vLLM takes the model's where there is no file.

    Raises CheckpointRejected where there is none, or what stands there is no token id.
    """
    if settings.generation is None:
        config = settings.config
        configured = config.get("eos_token_id", text_config(config).get("eos_token_id"))
    else:
        configured = settings.generation.get("eos_token_id")
    stated = configured if isinstance(configured, list) else [configured]
    if not all(token is None or type(token) is int for token in stated):
        raise CheckpointRejected(
            f"eos_token_id is {reprlib.repr(configured)}, which is no token id"
        )
    eos = join_eos_tokens(tokenizer.tokenizer.eos_token_id, stated)
    if eos is None:
        raise CheckpointRejected("neither the tokenizer nor the generation settings state an EOS")
    return eos.every
