"""Writes a checkpoint that the service can load and prove: complete, or not at all."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.describe import describe_checkpoint
from laserve.core.manifest import Manifest, ReferenceConstant, write_manifest
from laserve.core.probes import GoldenProbe
from laserve.core.score import ScoreParameters
from laserve.core.tokens import check_scoring_token
from laserve.errors import ConfigurationError
from laserve_training.working_folder import remove_leftovers, working_folder


def check_output(folder: Path) -> None:
    """Raise ConfigurationError where a checkpoint cannot be written: before hours of training. What
    a killed writing of it has left is removed."""
    if folder.exists():
        raise ConfigurationError(
            f"{folder} exists: remove it, or give another output (output=FOLDER)"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{folder.parent} cannot be made: {error.strerror}. Give another output"
        ) from error
    if not os.access(folder.parent, os.W_OK):
        raise ConfigurationError(f"{folder.parent} cannot be written to: give another output")
    remove_leftovers(folder)


def write_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    parameters: ScoreParameters,
    c_ref: ReferenceConstant,
    base_model: str,
    example_prompt: str,
    training: dict[str, Any],
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
    completions: Sequence[GoldenProbe],
) -> Manifest:
    """Write weights, tokenizer and manifest (`describe_checkpoint`) to `folder`, which must not
    exist.

    They are written to a folder beside it, the manifest last, and then renamed: who sees `folder`
    sees all of it. Raises ConfigurationError for a z_c that the tokenizer cannot have.
    """
    check_scoring_token(tokenizer, parameters.z_c, parameters.eos_token_ids)
    check_output(folder)
    with working_folder(folder) as written:
        model.save_pretrained(written)
        tokenizer.save_pretrained(written)
        for file in written.iterdir():
            file.chmod(0o644)  # safetensors makes files that only their owner can read
        manifest = describe_checkpoint(
            written,
            tokenizer,
            parameters,
            c_ref=c_ref,
            base_model=base_model,
            completions=completions,
            example_prompt=example_prompt,
            training=training,
            chat_template_kwargs=chat_template_kwargs,
        )
        write_manifest(written, manifest)
        written.rename(folder)
    return manifest
