"""The checkpoint manifest `laserve.json`: what a checkpoint's score means and how to check it."""

import contextlib
import math
import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from laserve.core.calibration import Calibration
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.faults import faults
from laserve.core.judged import CalibrationSample, CalibrationSampling, JudgedSamples
from laserve.core.probes import MAX_PROBE_TOKENS, MAX_PROBES, GoldenProbe, Part, TokenId
from laserve.core.score import DEFAULT_THRESHOLD, ScoreParameters
from laserve.core.template_arguments import TemplateArguments
from laserve.errors import ManifestError

MAX_MANIFEST_BYTES = 16 * 2**20
MAX_NAME_LENGTH = 200
"""Characters of a checkpoint's name. It is a header of every answer, where each may take twelve
bytes, and clients read headers of some kilobytes in all."""
MAX_SCALE = 1e3
"""Largest size of a constant of the score, in nats, per nat, or as a score."""
MAX_TEXT_LENGTH = 10_000
MAX_SAMPLES = 100_000
SCORE_TOLERANCE = 1e-6
"""How far a probe's stated score may be from its formula, relative to a score above 1."""
_MEND = "Correct it, or write it anew: laserve measure-ref MODEL --data FILE --force"


def _inside_the_folder(path: str) -> str:
    parts = PurePosixPath(path)
    if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ValueError("must be a relative path inside the checkpoint folder")
    return path


def _known_version(version: object) -> object:
    if type(version) is not int or version not in (1, 2):
        raise ValueError(f"{version!r} is neither 1 nor 2, which are read here")
    return version


def _printable(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("must be one line of printable characters, without blanks around it")
    return name


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_printable)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
Score = Annotated[float, Field(ge=-MAX_SCALE, le=MAX_SCALE)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, AfterValidator(_inside_the_folder)]


class ReferenceConstant(Part):
    """c_ref: log pi_ref(z_c | x, y) right after the EOS, over `count` completions; nats."""

    mean: Annotated[float, Field(ge=-MAX_SCALE, le=0.0)]
    std: Annotated[float, Field(ge=0.0)]
    """Sample standard deviation; 0 for one completion, or where nothing was measured."""
    count: Annotated[int, Field(ge=0)]
    """0 where the constant was stated and not measured."""
    kind: Literal["measured", "fitted"] = "measured"
    """fitted: it was chosen, and z_c's row fitted for it; no reference model is behind it."""


class Manifest(Part):
    """The content of `laserve.json`. Unknown keys and other schema versions are refused.

    Schema 1 has probes of z_c alone, and none of what is marked as of schema 2.
    """

    schema_version: Annotated[Literal[1, 2], BeforeValidator(_known_version)] = 2
    checkpoint: Name
    """Name of the checkpoint, as answers state it."""
    z_c: TokenId
    z_c_token: Text
    """Text of z_c: shows a tokenizer that does not belong to the checkpoint."""
    eos_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    c_ref: ReferenceConstant
    beta_v: Annotated[float, Field(gt=0.0, le=MAX_SCALE)]
    threshold: Score = DEFAULT_THRESHOLD
    calibration: Calibration | None = None
    evaluation: dict[str, float] | None = None
    """Figures of merit by name, such as accuracy, f1, auroc."""
    base_model: Name
    """Name of the reference model that c_ref was measured with."""
    example_prompt: Text | None = None
    """A question of the kind that it was trained on, to try it with."""
    training: dict[str, JsonValue] | None = None
    """The training configuration; null for a model that was not trained for its score."""
    golden_probes: Annotated[tuple[GoldenProbe, ...], Field(max_length=MAX_PROBES)] = ()
    files: dict[FileName, Sha256] = Field(default_factory=dict)
    """sha256 of each file of the checkpoint, by its path relative to the folder."""
    base_files: dict[FileName, Sha256] | None = None
    """Of a score row: sha256 of each file of the model that it is laid over. Schema 2."""
    chat_template_sha256: Sha256 | None = None
    chat_template_kwargs: TemplateArguments | None = None
    """Arguments that training rendered the chat template with, and a server does. Schema 2."""
    calibration_samples: Annotated[
        tuple[CalibrationSample, ...], Field(max_length=MAX_SAMPLES)
    ] = ()
    """What a calibration was, or can be, fitted on. Schema 2."""
    calibration_sampling: CalibrationSampling | None = None
    """How they were drawn; None where nothing is known of that. Schema 2."""
    reference_scores: Annotated[tuple[float, ...], Field(max_length=MAX_SAMPLES)] = ()
    """Scores of answers as they are to be expected in use, to hold what is seen against. Schema
    2."""

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if len(set(self.eos_token_ids)) != len(self.eos_token_ids):
            raise ValueError("eos_token_ids names a token twice")
        tokens = sum(probe.replayed_tokens for probe in self.golden_probes)
        if tokens > MAX_PROBE_TOKENS:
            raise ValueError(
                f"golden_probes take {tokens} tokens to replay, {MAX_PROBE_TOKENS} at most are "
                "read: keep fewer or shorter ones"
            )
        parameters = self.parameters()
        for index, probe in enumerate(self.golden_probes):
            try:
                self._check_probe(probe, parameters)
            except ValueError as error:
                raise ValueError(f"golden_probes.{index}.{error}") from error
        if self.schema_version == 1 and (
            self.chat_template_kwargs is not None
            or self.calibration_samples
            or self.calibration_sampling
            or self.reference_scores
            or self.base_files is not None
        ):
            raise ValueError(
                "chat_template_kwargs, calibration_samples, calibration_sampling, "
                "reference_scores and base_files are of schema 2"
            )
        return self

    def _check_probe(self, probe: GoldenProbe, parameters: ScoreParameters) -> None:
        """Raise ValueError, beginning with the key."""
        if probe.completion_token_ids[-1] not in self.eos_token_ids:
            raise ValueError("completion_token_ids must end with an EOS")
        if self.schema_version == 1 and (probe.rows or probe.dtype):
            raise ValueError("rows and dtype are of schema 2")
        if self.schema_version == 2 and not (probe.rows and probe.dtype):
            raise ValueError("rows and dtype must be stated in schema 2")
        if self.schema_version == 2 and probe.score is None:
            raise ValueError("score must be stated in schema 2")
        for number, row in enumerate(probe.rows):
            if row.position > len(probe.token_ids):
                raise ValueError(f"rows.{number}.position is beyond the completion's end")
            if len(row.top_token_ids) != len(row.top_logprobs):
                raise ValueError(f"rows.{number} has not one log-probability for each token")
        expected = parameters.score(probe.logprob)
        if probe.score is not None and not math.isclose(
            probe.score, expected, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE
        ):
            raise ValueError(
                f"score is {probe.score}, and beta_v={self.beta_v} and c_ref={self.c_ref.mean} "
                f"give its logprob {probe.logprob} the score {expected}: one of c_ref and beta_v "
                "is not what training used"
            )

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
            judged=self._judged(),
        )

    def _judged(self) -> JudgedSamples | None:
        if self.calibration_sampling is None or not self.calibration_samples:
            return None
        return JudgedSamples(self.calibration_samples, self.calibration_sampling)


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
