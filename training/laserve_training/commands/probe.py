"""`laserve-train probe`: a score for a model that was not trained for one, from one row of its
output layer, fitted on samples of its own."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import PartialState
from rich.console import Console
from torch import nn

from laserve.core.checkpoint_files import checkpoint_name
from laserve.core.manifest import read_manifest
from laserve.errors import ConfigurationError
from laserve.progress import progress_bar
from laserve_training.config import Config, make_config
from laserve_training.evaluation.drawing import draw_missing
from laserve_training.evaluation.samples import SampledProblem
from laserve_training.evaluation.sampling import judge_drawn
from laserve_training.evaluation.store import SAMPLES_NAME, SampleStore
from laserve_training.probe.asking import Asked, ask_for_probe
from laserve_training.probe.base import Base, prepare_base
from laserve_training.probe.features import Features, load_features, read_features, save_features
from laserve_training.probe.fit import RowScore
from laserve_training.probe.fitted import fit
from laserve_training.probe.row_folder import write_row_folder
from laserve_training.probe.source import task_table
from laserve_training.probe.writing import write_probe
from laserve_training.problem import Split
from laserve_training.tasks.registry import make_task
from laserve_training.verifiers.references import check_references
from laserve_training.verifiers.registry import make_verifier

C_REF = -40.0
"""Nats. Scores down to -1.6 are within what the transport carries."""
BETA_V = 0.2
"""Right answers are at -35 nats then, where nobody samples z_c. A smaller one asks for a row that
differs more from place to place, in text as well, and is harder to hold down there."""
GENERATED_PROBLEMS = 200
"""To fit on, and to evaluate on; half as many to calibrate on."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What the command is given beside the keys of a configuration."""

    data: str
    """A file of problems, or a task."""
    samples: int
    """Solutions to a problem."""
    problems: int | None
    """To fit on. None: all of a file's, `GENERATED_PROBLEMS` of a task."""
    texts: int
    """Texts to hold z_c down in."""
    z_c: str | None
    """The score token, by its text or its id; None for one that is free."""


def run_probe(
    model: str,
    output: Path,
    options: ProbeOptions,
    overrides: Sequence[str],
    evaluate: Callable[[Config], Path],
) -> Path:
    """Draw, judge, read, fit, write the checkpoint of `model` (a folder or hub id), and have
    `evaluate` report on it. Returns the report's folder.

    What `output` holds of the same settings is not done again. Raises ConfigurationError for a
    model whose output layer is of no use, DataError for problems of no use.
    """
    table = task_table(options.data, output / "data")
    base = prepare_base(model, options.z_c, output / "start")
    is_generated = table["kind"] != "file"
    counts = {"problems": GENERATED_PROBLEMS, "calibration_problems": GENERATED_PROBLEMS // 2}
    config = make_config(
        {
            "name": f"{checkpoint_name(model)}-probe",
            "output": str(output),
            "model": {"path": str(base.folder)},
            "task": table,
            "score": {"z_c": base.token.token_id, "c_ref": C_REF, "beta_v": BETA_V},
            "evaluate": {"samples": options.samples, **(counts if is_generated else {})},
        },
        overrides,
        "probe",
    )
    settings = {**config.model_dump(mode="json"), "probe": asdict(options)}
    manifest = read_manifest(config.checkpoint) if config.checkpoint.is_dir() else None
    if manifest is None:
        count = options.problems or (GENERATED_PROBLEMS if is_generated else None)
        problems = make_task(config.task).problems(Split.TRAIN, count, config.seed)
        asked = ask_for_probe(config, base, problems, options.texts)
        _make_checkpoint(config, base, asked, checkpoint_name(model), settings)
    elif {**(manifest.training or {}), "fit": None} != {**settings, "fit": None}:
        raise ConfigurationError(
            f"{config.checkpoint} was made with other settings: remove it, or give another --output"
        )
    report = evaluate(config)
    if base.untouched is not None:
        write_row_folder(output / "row", config.checkpoint, base.untouched, base.layer.names)
    return report


def _make_checkpoint(
    config: Config, base: Base, asked: Asked, base_model: str, settings: dict[str, Any]
) -> None:
    constants = config.score
    if constants.c_ref == "measure":
        raise ConfigurationError(
            "`score.c_ref`: a row is fitted for it, so there is nothing to measure: give a number"
        )
    verifier = make_verifier(config.verifier, make_task(config.task))
    check_references(verifier, [request.problem for request in asked.solutions])
    store = SampleStore(config.output / SAMPLES_NAME)
    drawn = draw_missing([*asked.solutions, *asked.texts], store, asked.argv)
    problems = judge_drawn(asked.solutions, drawn, verifier)
    texts = [(*one.prompt_token_ids, *drawn[one.key].samples[0].token_ids) for one in asked.texts]
    features = _features(config.output, base, asked.key, problems, texts)
    score = RowScore(constants.c_ref, constants.beta_v, base.layer.logits)
    fitted = fit(problems, features, score, base.stored_dtype)
    Console().print_json(data=fitted.figures)
    write_probe(
        config.checkpoint,
        base,
        fitted.row_D,
        problems,
        config=config,
        base_model=base_model,
        training={**settings, "fit": fitted.figures},
    )


def _features(
    output: Path,
    base: Base,
    key: str,
    problems: list[SampledProblem],
    texts: list[tuple[int, ...]],
) -> Features:
    """Kept on disk under `key`."""
    path = output / "features.safetensors"
    features = load_features(path, key)
    if features is None:
        nn.Module.to(base.model, PartialState().device)  # in place; its own `to` is not typed
        total = len(texts) + sum(len(problem.samples) for problem in problems)
        with progress_bar() as progress:
            bar = progress.add_task("reading", total=total)
            features = read_features(
                base.model,
                base.layer,
                base.token.token_id,
                problems,
                texts,
                partial(progress.advance, bar),
            )
        save_features(path, features, key)
    return features
