"""Writes a checkpoint that the service can load and prove: complete, or not at all."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.checkpoint_files import hash_chat_template, hash_files
from laserve.core.manifest import GoldenProbe, Manifest, ReferenceConstant, write_manifest
from laserve.core.score import ScoreParameters
from laserve.core.tokens import check_scoring_token
from laserve.errors import ConfigurationError

GOLDEN_PROBES = 8
"""Solutions whose log-probabilities the manifest keeps, to prove a load with."""


def check_output(folder: Path) -> None:
    """Raise ConfigurationError where a checkpoint cannot be written: before hours of training."""
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
    golden_probes: tuple[GoldenProbe, ...],
) -> Manifest:
    """Write weights, tokenizer and manifest to `folder`, which must not exist. The probes get
    their scores.

    They are written to a folder beside it, the manifest last, and then renamed: who sees `folder`
    sees all of it. Raises ConfigurationError for a z_c that the tokenizer cannot have.
    """
    z_c_token = check_scoring_token(tokenizer, parameters.z_c, parameters.eos_token_ids)
    check_output(folder)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        written = Path(scratch) / folder.name
        model.save_pretrained(written)
        tokenizer.save_pretrained(written)
        for file in written.iterdir():
            file.chmod(0o644)  # safetensors makes files that only their owner can read
        manifest = Manifest(
            checkpoint=parameters.checkpoint,
            z_c=parameters.z_c,
            z_c_token=z_c_token,
            eos_token_ids=tuple(sorted(parameters.eos_token_ids)),
            c_ref=c_ref,
            beta_v=parameters.beta_v,
            threshold=parameters.threshold,
            base_model=base_model,
            example_prompt=example_prompt,
            training=training,
            golden_probes=tuple(
                probe.scored(parameters.c_ref, parameters.beta_v) for probe in golden_probes
            ),
            files=hash_files(written),
            chat_template_sha256=hash_chat_template(tokenizer.chat_template),
        )
        write_manifest(written, manifest)
        written.rename(folder)
    return manifest
