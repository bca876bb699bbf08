"""A checkpoint that differs from its base in one row: other files are linked, not written."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from laserve.core.checkpoint_files import DESCRIPTION
from laserve.core.describe import describe_checkpoint
from laserve.core.manifest import ReferenceConstant, write_manifest
from laserve.core.probes import GOLDEN_PROBES, GoldenProbe
from laserve.core.score import DEFAULT_THRESHOLD, ScoreParameters
from laserve.core.types import Status
from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve.reference.probe import measure_probe
from laserve_training.checkpoint import check_output
from laserve_training.config import Config
from laserve_training.evaluation.samples import SampledProblem
from laserve_training.probe.base import Base
from laserve_training.probe.links import link_or_copy


def write_probe(
    folder: Path,
    base: Base,
    row_D: Tensor,
    problems: Sequence[SampledProblem],
    *,
    config: Config,
    base_model: str,
    training: dict[str, Any],
) -> None:
    """Write the checkpoint of `base` with this row, complete or not at all.

    Its golden probes are solutions of `problems`, measured in float32 on the weights as they are
    read back. Raises ConfigurationError where it cannot be written.
    """
    check_output(folder)
    c_ref = config.score.c_ref
    assert isinstance(c_ref, float)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        written = Path(scratch) / folder.name
        write_with_row(written, base.folder, base.layer.names, base.token.token_id, row_D)
        manifest = describe_checkpoint(
            written,
            base.tokenizer,
            ScoreParameters(
                z_c=base.token.token_id,
                eos_token_ids=base.eos_token_ids,
                c_ref=c_ref,
                beta_v=config.score.beta_v,
                threshold=DEFAULT_THRESHOLD,
                checkpoint=config.name,
            ),
            c_ref=ReferenceConstant(mean=c_ref, std=0.0, count=0, kind="fitted"),
            base_model=base_model,
            completions=list(_probes(written, base.token.token_id, problems)),
            example_prompt=problems[0].problem.question,
            training=training,
            chat_template_kwargs=config.model.chat_template_kwargs,
        )
        write_manifest(written, manifest)
        written.rename(folder)


def _probes(written: Path, z_c: int, problems: Sequence[SampledProblem]) -> Iterator[GoldenProbe]:
    """One solution to a problem, of as many problems as a manifest keeps."""
    model = load_model(str(written), "float32").eval()
    finished = [
        next((s for s in problem.samples if s.reward.status is Status.SCORED), None)
        for problem in problems
    ]
    solutions = [solution for solution in finished if solution is not None]
    for number, solution in enumerate(solutions[:GOLDEN_PROBES]):
        yield measure_probe(
            model,
            f"solution {number}",
            solution.prompt_token_ids,
            solution.completion_token_ids,
            z_c,
        )


def write_with_row(
    folder: Path, base: Path, names: Collection[str], z_c: int, row_D: Tensor
) -> None:
    """Make `folder` of the files of `base`, with `row_D` as row `z_c` of the tensors `names`; the
    manifest is left out.

    The row is rounded to the tensor's type. Raises ConfigurationError where no safetensors file
    has such a tensor.
    """
    folder.mkdir()
    is_written = False
    for path in sorted(base.iterdir()):
        if path.name.startswith(".") or path.name in DESCRIPTION or path.is_dir():
            continue
        written = folder / path.name
        if path.suffix == ".safetensors" and _write_with_row(written, path, names, z_c, row_D):
            is_written = True
        else:
            link_or_copy(path, written)
    if not is_written:
        raise ConfigurationError(
            f"no *.safetensors file of {base} has {' or '.join(sorted(names))}: save the model "
            "with `save_pretrained`"
        )


def _write_with_row(
    target: Path, source: Path, names: Collection[str], z_c: int, row_D: Tensor
) -> bool:
    """Write a file with the row in it, if it has one of the tensors; whether it has."""
    with safe_open(source, framework="pt") as file:
        held = list(file.keys())
        changed = [name for name in held if name in names]
        if not changed:
            return False
        metadata = file.metadata()
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in held}
    for name in changed:
        tensors[name][z_c] = row_D.to(tensors[name].dtype)
    save_file(tensors, target, metadata=metadata)
    target.chmod(0o644)  # safetensors makes files that only their owner can read
    return True
