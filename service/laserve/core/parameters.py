"""Where a server's scoring parameters come from: the manifest, or a preset, and flags over both."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace

from laserve.core.checkpoint_files import MANIFEST_NAME, checkpoint_name
from laserve.core.manifest import Manifest
from laserve.core.presets import PRESETS
from laserve.core.score import DEFAULT_THRESHOLD, PAPER_BETA_V, ScoreParameters
from laserve.errors import ConfigurationError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScoreFlags:
    """Single values given on the command line; None where a flag was not given."""

    z_c: int | None = None
    """`--z-c`, a token id."""
    c_ref: float | None = None
    """`--c-ref`, nats."""
    beta_v: float | None = None
    """`--beta-v`, per nat."""


NO_FLAGS = ScoreFlags()


def resolve_parameters(
    manifest: Manifest | None,
    preset: str | None,
    flags: ScoreFlags,
    model: str,
    eos_token_ids: Collection[int],
) -> ScoreParameters:
    """The scoring parameters of `model` (a folder or a hub id).

    `eos_token_ids` are the tokens that end a completion in the engine: the score is read after
    each of them. Raises ConfigurationError where the sources are missing, incomplete, contradict
    each other, or state another EOS than the engine's.
    """
    eos = frozenset(eos_token_ids)
    if manifest is not None and preset is not None:
        raise ConfigurationError(
            f"{model} has a {MANIFEST_NAME} and --laserve-preset {preset} was given: they "
            f"contradict each other. Leave the preset out, or remove {MANIFEST_NAME}"
        )
    if manifest is not None:
        return _override(_from_manifest(manifest, eos), flags)
    if preset is not None:
        return _override(_from_preset(preset, model, eos), flags)
    return _from_flags(flags, model, eos)


def _from_manifest(manifest: Manifest, eos: frozenset[int]) -> ScoreParameters:
    parameters = manifest.parameters()
    if parameters.eos_token_ids != eos:
        raise ConfigurationError(
            f"{MANIFEST_NAME} states eos_token_ids {sorted(parameters.eos_token_ids)}, the model "
            f"ends a completion at {sorted(eos)}: c_ref was measured after other tokens. Restore "
            "the checkpoint's tokenizer and generation_config.json, or measure again: "
            f"laserve measure-ref {manifest.checkpoint} --data FILE --force"
        )
    return parameters


def _from_preset(name: str, model: str, eos: frozenset[int]) -> ScoreParameters:
    preset = PRESETS.get(name)
    if preset is None:
        raise ConfigurationError(
            f"--laserve-preset {name!r} does not exist; there are: {', '.join(PRESETS)}"
        )
    if preset.trained_eos not in eos:
        raise ConfigurationError(
            f"preset {name} was trained to score after the EOS {preset.trained_eos}, the model "
            f"ends a completion at {sorted(eos)}: this preset is not for {model}"
        )
    if eos != {preset.trained_eos}:
        logger.warning(
            "preset %s was trained to score after the EOS %d only; %s also ends completions at %s, "
            "and a score after one of those means less",
            name,
            preset.trained_eos,
            model,
            sorted(eos - {preset.trained_eos}),
        )
    return ScoreParameters(
        z_c=preset.z_c,
        eos_token_ids=eos,
        c_ref=preset.c_ref,
        beta_v=preset.beta_v,
        threshold=DEFAULT_THRESHOLD,
        checkpoint=checkpoint_name(model),
    )


def _from_flags(flags: ScoreFlags, model: str, eos: frozenset[int]) -> ScoreParameters:
    if flags == NO_FLAGS:
        raise ConfigurationError(
            f"{model} has no scoring parameters: no {MANIFEST_NAME}, no preset, no flags. Measure "
            f"them with `laserve measure-ref {model} --data FILE`, or use --laserve-preset "
            f"({' or '.join(PRESETS)}) for a checkpoint of the paper, or state them with --z-c, "
            "--c-ref and --beta-v"
        )
    if flags.z_c is None or flags.c_ref is None:
        missing = [
            flag
            for flag, value in (("--z-c", flags.z_c), ("--c-ref", flags.c_ref))
            if value is None
        ]
        raise ConfigurationError(
            f"{' and '.join(missing)} missing: without a {MANIFEST_NAME} or a preset, both --z-c "
            "and --c-ref are needed"
        )
    return ScoreParameters(
        z_c=flags.z_c,
        eos_token_ids=eos,
        c_ref=flags.c_ref,
        beta_v=PAPER_BETA_V if flags.beta_v is None else flags.beta_v,
        threshold=DEFAULT_THRESHOLD,
        checkpoint=checkpoint_name(model),
    )


def _override(parameters: ScoreParameters, flags: ScoreFlags) -> ScoreParameters:
    """`parameters` with the flags' values; each change is logged."""
    if flags.z_c not in (None, parameters.z_c) and flags.c_ref is None:
        raise ConfigurationError(
            f"--z-c {flags.z_c} replaces {parameters.z_c}, and c_ref={parameters.c_ref} was "
            "measured for that one: give --c-ref for the new token too"
        )
    changes = []
    for name in ("z_c", "c_ref", "beta_v"):
        old, new = getattr(parameters, name), getattr(flags, name)
        if new is not None and new != old:
            changes.append(f"{name} {old} -> {new}")
            parameters = replace(parameters, **{name: new})
    if changes:
        logger.warning("flags override scoring parameters: %s", ", ".join(changes))
        if parameters.calibration is not None or parameters.judged is not None:
            logger.warning("the calibration was fitted on other constants and is left out")
            parameters = replace(parameters, calibration=None, judged=None)
    return parameters
