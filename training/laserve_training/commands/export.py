"""`laserve-train export`: a checkpoint of any save of the trainer, also while training goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from peft import PeftModel
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.probes import GOLDEN_PROBES, GoldenProbe, choose_probes
from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve_training.checkpoint import check_output, write_checkpoint
from laserve_training.commands.measure_ref import measure
from laserve_training.commands.training_problems import training_problems
from laserve_training.config import Config
from laserve_training.models import (
    base_name,
    start_of,
    training_dtype,
    training_tokenizer,
)
from laserve_training.problem import Problem
from laserve_training.run_record import RunRecord, read_record
from laserve_training.runs import final_folder, find_saves, work_folder

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
"""One of these is in a save whose weights are whole."""


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
    model = _trained_model(save, start, config)
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


def _trained_model(save: Path, start: str, config: Config) -> PreTrainedModel:
    if not any((save / name).is_file() for name in WEIGHTS):
        raise ConfigurationError(
            f"{save} does not hold its weights as one model. FSDP: "
            f"`accelerate merge-weights {save}/pytorch_model_fsdp_0 {save}`; DeepSpeed: "
            f"`python {save}/zero_to_fp32.py --safe_serialization {save} {save}`. To have them "
            "saved so: fsdp_state_dict_type FULL_STATE_DICT, zero3_save_16bit_model true"
        )
    dtype = training_dtype(config.model, start)
    if config.model.lora is None:
        return load_model(str(save), dtype)
    adapted: Any = PeftModel.from_pretrained(load_model(start, dtype), str(save))
    return cast(PreTrainedModel, adapted.merge_and_unload())
