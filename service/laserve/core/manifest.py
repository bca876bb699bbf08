"""The checkpoint manifest `laserve.json`: what a checkpoint's score means and how to check it."""

import contextlib
import math
import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from laserve.core.calibration import Calibration
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.faults import faults
from laserve.core.score import DEFAULT_THRESHOLD, ScoreParameters, self_reward_score
from laserve.errors import ManifestError

MAX_MANIFEST_BYTES = 16 * 2**20
SCORE_TOLERANCE = 1e-6
"""How far a probe's stated score may be from its formula, relative to a score above 1."""
_MEND = "Correct it, or write it anew: laserve measure-ref MODEL --data FILE --force"


def _inside_the_folder(path: str) -> str:
    parts = PurePosixPath(path)
    if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ValueError("must be a relative path inside the checkpoint folder")
    return path


def _version_one(version: object) -> object:
    if type(version) is not int or version != 1:
        raise ValueError(f"{version!r} is not 1, the one read here")
    return version


TokenId = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, AfterValidator(_inside_the_folder)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ReferenceConstant(_Part):
    """c_ref: log pi_ref(z_c | x, y) right after the EOS, over `count` completions; nats."""

    mean: Annotated[float, Field(le=0.0)]
    std: Annotated[float, Field(ge=0.0)]
    """Sample standard deviation; 0 for one completion, or where nothing was measured."""
    count: Annotated[int, Field(ge=0)]
    """0 where the constant was stated and not measured."""


class GoldenProbe(_Part):
    """One completion with its score token's log-probability under Hugging Face's forward pass."""

    prompt_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    completion_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    """Ends with its EOS."""
    logprob: Annotated[float, Field(le=0.0)]
    """log pi_theta(z_c | x, y) of this checkpoint, nats."""
    score: float | None = None
    """beta_v * (logprob - c_ref) with the constants that training used: it shows constants that
    were changed afterwards. None where it was not stated."""

    def scored(self, c_ref: float, beta_v: float) -> "GoldenProbe":
        """The probe with its score, for `c_ref` in nats."""
        return self.model_copy(update={"score": self_reward_score(self.logprob, c_ref, beta_v)})


class Manifest(_Part):
    """The content of `laserve.json`. Unknown keys and other schema versions are refused."""

    schema_version: Annotated[Literal[1], BeforeValidator(_version_one)] = 1
    checkpoint: Annotated[str, Field(min_length=1)]
    """Name of the checkpoint, as answers state it."""
    z_c: TokenId
    z_c_token: Annotated[str, Field(min_length=1)]
    """Text of z_c: shows a tokenizer that does not belong to the checkpoint."""
    eos_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    c_ref: ReferenceConstant
    beta_v: Annotated[float, Field(gt=0.0)]
    threshold: float = DEFAULT_THRESHOLD
    calibration: Calibration | None = None
    evaluation: dict[str, float] | None = None
    """Figures of merit by name, such as accuracy, f1, auroc."""
    base_model: Annotated[str, Field(min_length=1)]
    """Name of the reference model that c_ref was measured with."""
    example_prompt: Annotated[str, Field(min_length=1)] | None = None
    """A question of the kind that it was trained on, to try it with."""
    training: dict[str, JsonValue] | None = None
    """The training configuration; null for a model that was not trained for its score."""
    golden_probes: tuple[GoldenProbe, ...] = ()
    files: dict[FileName, Sha256] = {}
    """sha256 of each file of the checkpoint, by its path relative to the folder."""
    chat_template_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if len(set(self.eos_token_ids)) != len(self.eos_token_ids):
            raise ValueError("eos_token_ids names a token twice")
        for index, probe in enumerate(self.golden_probes):
            if probe.completion_token_ids[-1] not in self.eos_token_ids:
                raise ValueError(f"golden_probes.{index}.completion_token_ids must end with an EOS")
        parameters = self.parameters()
        for index, probe in enumerate(self.golden_probes):
            expected = parameters.score(probe.logprob)
            if probe.score is not None and not math.isclose(
                probe.score, expected, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE
            ):
                raise ValueError(
                    f"golden_probes.{index}.score is {probe.score}, and beta_v={self.beta_v} and "
                    f"c_ref={self.c_ref.mean} give its logprob {probe.logprob} the score "
                    f"{expected}: one of c_ref and beta_v is not what training used"
                )
        return self

    def parameters(self) -> ScoreParameters:
        """The constants of the score."""
        return ScoreParameters(
            z_c=self.z_c,
            eos_token_ids=frozenset(self.eos_token_ids),
            c_ref=self.c_ref.mean,
            beta_v=self.beta_v,
            threshold=self.threshold,
            checkpoint=self.checkpoint,
            calibration=self.calibration,
        )


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a checkpoint folder; None only where it has none.

    Raises ManifestError, naming the file and the key, where it cannot be read or is invalid.
    """
    path = folder / MANIFEST_NAME
    if not os.path.lexists(path):
        return None
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error
    return parse_manifest(content, path)


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """The manifest that a file's bytes hold; `path` is the file that messages name.

    Raises ManifestError, naming the key, where it is invalid.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise ManifestError(
            f"{path} is larger than {MAX_MANIFEST_BYTES // 2**20} MiB: it is no manifest. {_MEND}"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 (byte {error.start}). {_MEND}") from error
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ManifestError(f"{path}: {'; '.join(faults(error))}. {_MEND}") from error


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `laserve.json` into an existing folder in one step: readers see all of it or none.

    Returns its path. Raises ManifestError where the folder cannot be written to.
    """
    path = folder / MANIFEST_NAME
    temporary = folder / f".{MANIFEST_NAME}.{os.getpid()}"
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(manifest.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ManifestError(f"{path} cannot be written: {error.strerror}") from error
    return path
