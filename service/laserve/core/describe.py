"""Makes the manifest of a checkpoint: from its files, its tokenizer and what was measured of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from laserve.core.checkpoint_files import hash_chat_template, hash_files
from laserve.core.manifest import Manifest, ReferenceConstant
from laserve.core.probes import GoldenProbe, choose_probes
from laserve.core.score import ScoreParameters
from laserve.core.tokens import Tokenizer, check_scoring_token


def describe_checkpoint(
    folder: Path,
    tokenizer: Tokenizer,
    parameters: ScoreParameters,
    *,
    c_ref: ReferenceConstant,
    base_model: str,
    completions: Sequence[GoldenProbe],
    example_prompt: str | None = None,
    training: dict[str, JsonValue] | None = None,
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
) -> Manifest:
    """The manifest of the checkpoint in `folder`; without hashes where that is no folder (the model
    of a hub).

    `c_ref` is the measurement of `parameters.c_ref`. The golden probes are of `completions`,
    measured of this checkpoint, with their scores; their prompts were rendered with
    `chat_template_kwargs`. Raises ConfigurationError for a z_c that the tokenizer cannot have.
    """
    return Manifest(
        checkpoint=parameters.checkpoint,
        z_c=parameters.z_c,
        z_c_token=check_scoring_token(tokenizer, parameters.z_c, parameters.eos_token_ids),
        eos_token_ids=tuple(sorted(parameters.eos_token_ids)),
        c_ref=c_ref,
        beta_v=parameters.beta_v,
        threshold=parameters.threshold,
        base_model=base_model,
        example_prompt=example_prompt,
        training=training,
        golden_probes=tuple(
            probe.scored(parameters.c_ref, parameters.beta_v)
            for probe in choose_probes(completions)
        ),
        files=hash_files(folder) if folder.is_dir() else {},
        chat_template_sha256=hash_chat_template(tokenizer.chat_template),
        chat_template_kwargs=dict(chat_template_kwargs) if chat_template_kwargs else None,
    )


def renew(folder: Path, manifest: Manifest, completions: Sequence[GoldenProbe]) -> Manifest:
    """The manifest in today's schema, with the hashes of the files in `folder`.

    Constants, calibration and evaluation stay as they are. `completions` are those of its golden
    probes, measured again.
    """
    probes = tuple(
        probe.scored(manifest.c_ref.mean, manifest.beta_v) for probe in choose_probes(completions)
    )
    update = {"schema_version": 2, "golden_probes": probes, "files": hash_files(folder)}
    return Manifest.model_validate_json(manifest.model_copy(update=update).model_dump_json())
