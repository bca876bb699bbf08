"""`laserve-train export`: a checkpoint of any save of the trainer, also while training goes on."""

from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.probes import GOLDEN_PROBES, GoldenProbe, choose_probes
from laserve.errors import ConfigurationError
from laserve_training.checkpoint import check_output, write_checkpoint
from laserve_training.commands.measure_ref import measure
from laserve_training.commands.training_problems import training_problems
from laserve_training.config import Config
from laserve_training.foreign_bytes import teach_foreign_bytes
from laserve_training.models import (
    base_name,
    load_trained,
    start_of,
    training_dtype,
    training_tokenizer,
)
from laserve_training.problem import Problem
from laserve_training.run_record import RunRecord, read_record
from laserve_training.runs import final_folder, find_saves, work_folder
from laserve_training.tasks.generated import GeneratedTask
from laserve_training.tasks.registry import make_task


def run_export(run: Path, *, step: int | None = None, folder: Path | None = None) -> Path:
    """Make the checkpoint of a run's trained model, or of its newest save where it is not trained
    yet, or of the save of a step. Returns its folder; by default `checkpoint` in the run, for a
    save `checkpoint-<step>`.

    Raises ConfigurationError where there is no such save.
    """
    record = read_record(work_folder(run))
    saves, final = find_saves(run), final_folder(run)
    if step is None and final.is_dir():
        save, default = final, run / "checkpoint"
    else:
        if step is None:
            step = max(saves, default=0)
        if step not in saves:
            there = ", ".join(map(str, saves)) or "none: see laser.trainer.save_steps"
            raise ConfigurationError(
                f"{run} has no complete save of step {step}; saved steps are {there}"
                if step
                else f"{run} has no complete save; saved steps are {there}"
            )
        save, default = saves[step], run / f"checkpoint-{step}"
    folder = folder or default
    check_output(folder)
    # The run may have been moved since.
    config = record.config.model_copy(update={"output": run})
    export_save(record.model_copy(update={"config": config}), save, folder)
    return folder


def export_save(record: RunRecord, save: Path, folder: Path) -> None:
    """Write the checkpoint of a save, whole or as an adapter, to `folder`.

    Its golden probes are measured on the weights as they are read back. Raises ConfigurationError.
    """
    config = record.config
    start = start_of(config)
    tokenizer = training_tokenizer(start)
    model = load_trained(save, start, config.model, training_dtype(config.model, start))
    if config.model.scratch is not None:
        task = make_task(config.task)
        assert isinstance(task, GeneratedTask)  # or sft would have refused to begin
        teach_foreign_bytes(model, tokenizer, task, record.parameters, config.seed)
    # More than are kept: those that the model does not finish are no probes.
    problems = training_problems(config, tokenizer, config.laser.problems)[: 4 * GOLDEN_PROBES]
    try:
        write_checkpoint(
            folder,
            model,
            tokenizer,
            parameters=record.parameters,
            c_ref=record.c_ref,
            base_model=base_name(config),
            example_prompt=problems[0].question,
            training=config.model_dump(mode="json"),
            chat_template_kwargs=config.model.chat_template_kwargs,
            completions=_probes(config, model, tokenizer, problems),
        )
    except (OSError, SafetensorError) as error:
        raise ConfigurationError(f"{folder} cannot be written: {error}") from error


def _probes(
    config: Config,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: list[Problem],
) -> tuple[GoldenProbe, ...]:
    """Completions of the model's own; of a model that finishes none in time, or none short enough
    to be kept, what the problems themselves give: a probe proves a computation, not an answer."""
    written = measure(config, model, tokenizer, problems).completions
    if choose_probes(written):
        return written
    given = [
        replace(problem, completion=problem.completion or problem.answer or problem.question)
        for problem in problems
    ]
    return measure(config, model, tokenizer, given, with_completions=True).completions
