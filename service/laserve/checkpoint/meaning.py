"""Whether a checkpoint's scores can stand beside the served one's, and can be proven."""

from collections.abc import Mapping

from pydantic import JsonValue

from laserve.checkpoint.model_config import text_config
from laserve.checkpoint.served import ServedCheckpoint
from laserve.core.manifest import Manifest
from laserve.core.tokens import check_scoring_token
from laserve.errors import CheckpointRejected, ConfigurationError

CONSTANT_TOLERANCE = 1e-6
"""Largest difference of two constants that are one: of c_ref in nats, of beta_v per nat."""


def rendered_with(manifest: Manifest | None, flag: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What conversations are rendered with where a request does not say: as in the training of a
    checkpoint, but for what `flag` (--default-chat-template-kwargs) says, key by key."""
    trained = None if manifest is None else manifest.chat_template_kwargs
    return {**(trained or {}), **flag}


def check_meaning(manifest: Manifest, served: ServedCheckpoint) -> None:
    """Raise CheckpointRejected unless the manifest's constants are of the served model's kind.

    They are compared with the served tokenizer, which the checkpoint's own must equal.
    """
    _check_tokens(manifest, served)
    _check_constants(manifest, served)
    _check_probes(manifest, served)


def _check_tokens(manifest: Manifest, served: ServedCheckpoint) -> None:
    template = served.contents.tokenizer.chat_template_sha256
    if manifest.chat_template_sha256 != template:
        raise CheckpointRejected(
            f"chat_template_sha256 is {manifest.chat_template_sha256}, the chat template's is "
            f"{template}: the manifest belongs to another template"
        )
    flag = served.template_flag
    rendered, kept = rendered_with(manifest, flag), rendered_with(served.manifest, flag)
    if rendered != kept:
        raise CheckpointRejected(
            f"chat_template_kwargs give {rendered}, and the server renders every conversation with "
            f"{kept} from its start on: train with the same, or start the server with it"
        )
    eos, served_eos = frozenset(manifest.eos_token_ids), served.parameters.eos_token_ids
    if eos != served_eos:
        raise CheckpointRejected(
            f"eos_token_ids is {sorted(eos)}, and the server scores after {sorted(served_eos)}"
        )
    if manifest.z_c != served.parameters.z_c:
        raise CheckpointRejected(
            f"z_c is {manifest.z_c}, and the server keeps {served.parameters.z_c} out of all text "
            "and reads its log-probability: train with the same score token"
        )
    try:
        check_scoring_token(
            served.contents.tokenizer.tokenizer, manifest.z_c, eos, manifest.z_c_token
        )
    except ConfigurationError as error:
        raise CheckpointRejected(f"z_c_token: {error}") from error


def _check_constants(manifest: Manifest, served: ServedCheckpoint) -> None:
    """With the same base model both are what the served manifest has. With another one they are
    what the probes' scores were computed with, which must be stated then."""
    if served.manifest is None or served.manifest.base_model != manifest.base_model:
        unscored = [i for i, probe in enumerate(manifest.golden_probes) if probe.score is None]
        if unscored:
            raise CheckpointRejected(
                f"golden_probes.{unscored[0]} states no score, and the base model "
                f"{manifest.base_model!r} is not the served one: nothing shows that c_ref and "
                "beta_v are those of its training. Write the manifest anew: laserve measure-ref "
                "MODEL --renew"
            )
        return
    for name, found, expected in (
        ("c_ref", manifest.c_ref.mean, served.manifest.c_ref.mean),
        ("beta_v", manifest.beta_v, served.manifest.beta_v),
    ):
        if abs(found - expected) > CONSTANT_TOLERANCE:
            raise CheckpointRejected(
                f"{name} is {found}, and {expected} in the served manifest for the same base model "
                f"{manifest.base_model!r}: their scores could not be compared. Train with "
                f"score.{name}={expected}"
            )


def _check_probes(manifest: Manifest, served: ServedCheckpoint) -> None:
    if not manifest.golden_probes:
        raise CheckpointRejected(
            "golden_probes is empty: there is nothing to prove the load with. Write the manifest "
            "with laserve-train, or with laserve measure-ref"
        )
    config = text_config(served.contents.settings.config)
    vocab_size, context = config.get("vocab_size"), config.get("max_position_embeddings")
    if served.max_model_len is not None:
        context = served.max_model_len
    for index, probe in enumerate(manifest.golden_probes):
        tokens = probe.token_ids
        if vocab_size is not None and max(tokens) >= vocab_size:
            raise CheckpointRejected(
                f"golden_probes.{index} has the token {max(tokens)}, the vocabulary has "
                f"{vocab_size}: the probe belongs to another model"
            )
        other = {row.vocab_size for row in probe.rows} - {vocab_size}
        if vocab_size is not None and other:
            raise CheckpointRejected(
                f"golden_probes.{index} has a distribution over {min(other)} tokens, the "
                f"vocabulary has {vocab_size}: the probe belongs to another model"
            )
        # One more place, where z_c is read.
        if context is not None and len(tokens) + 1 > context:
            raise CheckpointRejected(
                f"golden_probes.{index} has {len(tokens)} tokens, and the server's context "
                f"{context}: write shorter probes, or raise --max-model-len"
            )
