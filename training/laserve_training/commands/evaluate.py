"""`laserve-train evaluate`: what a checkpoint's score is worth, measured through the service's
engine on problems that it was not trained on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState
from rich.console import Console
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.calibration import Calibration
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.judged import CalibrationSampling
from laserve.core.manifest import Manifest, read_manifest, write_manifest
from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve_training.config import Config, EvaluateTable
from laserve_training.evaluation.analysis import Evaluation, Subject, analyse
from laserve_training.evaluation.calibration import fit_calibration
from laserve_training.evaluation.confidences import Rivals, measure_rivals
from laserve_training.evaluation.drawing import draw_missing
from laserve_training.evaluation.kept import calibration_samples, reference_scores
from laserve_training.evaluation.prompts import prompts_of
from laserve_training.evaluation.report import summary, write_report
from laserve_training.evaluation.samples import SampledProblem, SampleTable
from laserve_training.evaluation.sampling import (
    SampleRequest,
    answers_are_boxed,
    judge_drawn,
    tabulate,
)
from laserve_training.evaluation.store import SAMPLES_NAME, SampleStore
from laserve_training.models import start_of, training_tokenizer
from laserve_training.problem import Split
from laserve_training.tasks.registry import make_task
from laserve_training.verifiers.references import check_references
from laserve_training.verifiers.registry import make_verifier


@dataclass(frozen=True, slots=True)
class _Sampled:
    """The samples of each split; `calibration` is empty where nothing is fitted."""

    test: list[SampledProblem]
    calibration: list[SampledProblem]


def run_evaluate(
    config: Config, *, checkpoint: Path | None = None, report: Path | None = None
) -> Path:
    """Sample, judge, fit the calibration, report. Returns the report's folder.

    Each sample is stored in that folder as it comes; what is there already is not drawn again. The
    checkpoint's manifest gets the calibration with its samples, the main figures, and the scores to
    be expected. Raises ConfigurationError for a checkpoint without a manifest.
    """
    checkpoint = checkpoint or config.checkpoint
    report = report or config.output / "evaluation"
    manifest = read_manifest(checkpoint) if checkpoint.is_dir() else None
    if manifest is None:
        raise ConfigurationError(
            f"{checkpoint} has no {MANIFEST_NAME}: train one with `laserve-train laser`, or "
            "measure its constants with `laserve measure-ref`"
        )
    # A CPU computes in bfloat16 several times slower, and no better.
    dtype = "float32" if PartialState().device.type == "cpu" else "auto"
    model = load_model(str(checkpoint), dtype)
    tokenizer = training_tokenizer(str(checkpoint))
    store = SampleStore(report / SAMPLES_NAME)
    sampled = _sample(config, checkpoint, manifest, model, tokenizer, store)
    boxed = answers_are_boxed(sampled.calibration)
    fitted_on = tabulate(sampled.calibration, boxed_only=boxed) if sampled.calibration else None
    # Without a fit of its own an evaluation leaves the checkpoint's calibration as it is.
    calibration = _fit(config, fitted_on) or manifest.calibration
    rivals = _rivals(config, checkpoint, manifest, model, tokenizer, sampled.test)
    table = tabulate(sampled.test)
    evaluation = analyse(
        Subject(
            checkpoint=manifest.checkpoint,
            base_model=manifest.base_model,
            task=make_task(config.task).name,
            split=Split.TEST,
            settings={
                "temperature": config.evaluate.temperature,
                "max_tokens": config.evaluate.max_tokens,
                "seed": config.seed,
            },
        ),
        table,
        threshold=manifest.threshold,
        calibration=calibration,
        rivals=rivals,
        seed=config.seed,
    )
    write_report(report, evaluation, table)
    measured: dict[str, object] = {
        "calibration": calibration,
        "evaluation": _main_figures(evaluation),
    }
    if manifest.schema_version > 1:
        measured["reference_scores"] = reference_scores(table.scores_PN)
        if fitted_on is not None:
            measured["calibration_samples"] = calibration_samples(fitted_on)
            measured["calibration_sampling"] = CalibrationSampling(
                samples=config.evaluate.samples,
                unscored=int((~fitted_on.scored_PN).sum()),
                temperature=config.evaluate.temperature,
                max_tokens=config.evaluate.max_tokens,
                answer="boxed" if boxed else "text",
            )
    write_manifest(checkpoint, manifest.model_copy(update=measured))
    Console().print(summary(evaluation))
    return report


def _sample(
    config: Config,
    checkpoint: Path,
    manifest: Manifest,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    store: SampleStore,
) -> _Sampled:
    """What the store holds, and the rest from the engine, which starts where something is missing.

    Problems, prompts and reference answers are looked at before.
    """
    task, table = make_task(config.task), config.evaluate
    verifier = make_verifier(config.verifier, task)
    subject = _fingerprint(manifest, table)
    splits = {Split.TEST: table.problems}
    if table.calibration != "none":
        splits[Split.CALIBRATION] = table.calibration_problems
    requests: dict[Split, list[SampleRequest]] = {}
    for split, count in splits.items():
        problems = task.problems(split, count, config.seed)
        check_references(verifier, problems)
        prompts = prompts_of(
            problems,
            model,
            tokenizer,
            z_c=manifest.z_c,
            max_tokens=table.max_tokens,
            chat_template_kwargs=manifest.chat_template_kwargs,
        )
        requests[split] = [
            SampleRequest(
                problem,
                tuple(prompts[problem.where]),
                table.samples,
                table.max_tokens,
                table.temperature,
                # Far apart: the engine gives the n samples of one request consecutive seeds.
                seed=(config.seed * len(problems) + index) * table.samples,
                subject=subject,
            )
            for index, problem in enumerate(problems)
        ]
    every = [request for members in requests.values() for request in members]
    drawn = draw_missing(every, store, [str(checkpoint), *table.engine_flags])
    return _Sampled(
        test=judge_drawn(requests[Split.TEST], drawn, verifier),
        calibration=judge_drawn(requests.get(Split.CALIBRATION, ()), drawn, verifier),
    )


def _fingerprint(manifest: Manifest, table: EvaluateTable) -> str:
    """What samples depend on beside their prompts: weights, score, and how the engine runs."""
    scored_with = {"z_c", "eos_token_ids", "c_ref", "beta_v", "golden_probes", "files"}
    text = f"{manifest.model_dump_json(include=scored_with)} {' '.join(table.engine_flags)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _rivals(
    config: Config,
    checkpoint: Path,
    manifest: Manifest,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: list[SampledProblem],
) -> Rivals | None:
    """The other confidences, and the score before training where there was another model."""
    if not config.evaluate.rivals:
        return None
    base = start_of(config)
    is_base = Path(base).resolve() == checkpoint.resolve()
    dtype = str(model.dtype).removeprefix("torch.")
    return measure_rivals(
        problems,
        _on_device(model),
        tokenizer,
        z_c=manifest.z_c,
        chat_template_kwargs=manifest.chat_template_kwargs,
        base_model=None if is_base else _on_device(load_model(base, dtype)),
        self_judgement=config.evaluate.self_judgement,
    )


def _on_device(model: PreTrainedModel) -> PreTrainedModel:
    nn.Module.to(model, PartialState().device)  # in place; transformers' own `to` is not typed
    return model


def _fit(config: Config, table: SampleTable | None) -> Calibration | None:
    kind = config.evaluate.calibration
    if table is None or kind == "none":
        return None
    name = f"{make_task(config.task).name} {Split.CALIBRATION}"
    return fit_calibration(table.correct_PN, table.scores_PN, kind=kind, fitted_on=name)


def _main_figures(evaluation: Evaluation) -> dict[str, float]:
    """What the manifest keeps of a report; a figure that is undefined is left out."""
    figures = evaluation.figures
    named = {
        "accuracy": figures.pass_at_1,
        "f1": figures.f1,
        "auroc": figures.auroc,
        "auroc_within_problem": figures.auroc_within,
        "ece_raw": figures.raw.ece,
        **({} if figures.calibrated is None else {"ece": figures.calibrated.ece}),
    }
    return {name: value.value for name, value in named.items() if value.value == value.value}
