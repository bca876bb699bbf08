"""`laserve-train laser`: trains with GRPO and the LaSeR loss, and writes the checkpoint."""

import math
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset
from peft.utils.integrations import gather_params_ctx
from rich.console import Console
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.integrations.deepspeed import unset_hf_deepspeed_config

from laserve.core.manifest import ReferenceConstant
from laserve.core.tokens import check_scoring_token, find_token
from laserve.errors import ConfigurationError, LaServeError
from laserve.reference.encode import encode_rows, find_eos_tokens
from laserve_training.arguments import build_arguments, trainer_arguments
from laserve_training.checkpoint import check_output
from laserve_training.commands.export import export_save
from laserve_training.commands.held_out import (
    WITHOUT,
    early_stopping,
    evaluation_arguments,
    tell_kept,
)
from laserve_training.commands.measure_ref import measure
from laserve_training.commands.training_problems import training_problems
from laserve_training.config import Config, LaserTable, ScoreTable
from laserve_training.disk import disk_need
from laserve_training.evaluation.held_out import HeldOutReport, held_out_figures
from laserve_training.laser.config import LaSeRConfig, check_target
from laserve_training.laser.learnable import check_steps
from laserve_training.laser.rewards import VerifierReward
from laserve_training.laser.trainer import LaSeRTrainer
from laserve_training.logs import JsonLinesLog
from laserve_training.models import (
    as_trained,
    device_arguments,
    load_for_training,
    outline,
    peft_config,
    start_hash,
    start_of,
    training_dtype,
    training_tokenizer,
)
from laserve_training.problem import Problem, Split
from laserve_training.processes import in_every, on_main
from laserve_training.rows import as_rows
from laserve_training.run_record import RunRecord, read_record, write_record
from laserve_training.runs import final_folder, find_saves, work_folder
from laserve_training.shaping import reward_weights, shaping_rewards
from laserve_training.surroundings import check_surroundings
from laserve_training.tasks.registry import make_task
from laserve_training.verifiers.references import check_references
from laserve_training.verifiers.registry import make_verifier

_OWNED = {
    "chat_template_kwargs": "`model.chat_template_kwargs`",
    "reward_weights": "`laser.rewards`",
} | {
    field.name: f"`{table}.{field.name}`"
    for table, model in (("score", ScoreTable), ("laser", LaserTable))
    for field in fields(LaSeRConfig)
    if field.name in model.model_fields
}

_OF_NO_USE = {
    "ignore_data_skip": "a run that goes on would begin with its problems anew: leave it out",
    "remove_unused_columns": "the verifier needs the columns: leave it out",
    "dataloader_drop_last": "it would leave held-out problems out, and none of training: leave it "
    "out, and see to the number of problems",
    "label_smoothing_factor": "it has no effect on GRPO's loss",
    "max_tool_calling_iterations": "it has no effect here: there are no tools",
}
"""Keys that `GRPOConfig` has and LaSeR cannot do with, with why."""


def run_laser(config: Config, *, resume: bool = False) -> Path:
    """Train, and return the folder of the LaSeR checkpoint.

    `resume` goes on from the newest complete save of an interrupted run, to the same numbers.
    Raises ConfigurationError, also where it would be another run (`RunRecord`).
    """
    table = config.laser
    without_effect = WITHOUT if table.evaluation is None else {}
    arguments = trainer_arguments(
        "laser.trainer", table.trainer, LaSeRConfig, _OWNED, {**_OF_NO_USE, **without_effect}
    )
    arguments |= evaluation_arguments(table.evaluation, table.trainer)
    folder = config.checkpoint
    check_output(folder)
    final = final_folder(config.output)
    if final.is_dir():
        if not resume:
            raise ConfigurationError(
                f"{final} is trained, and has no checkpoint: make it with `laserve-train export "
                f"{config.output}`, or remove {final.parent}"
            )
        trained = read_record(final.parent)
        trained.check_finished_as(config)
        _finish(trained.model_copy(update={"config": config}), final, folder)
        return folder
    work = work_folder(config.output)
    saves = find_saves(config.output)
    if saves and not resume:
        raise ConfigurationError(
            f"{work} holds an interrupted run: give --resume to go on with it, or remove it"
        )
    last_save = saves[max(saves)] if saves else None
    begun = None if last_save is None else read_record(work)
    start = start_of(config)
    tokenizer = training_tokenizer(start)
    z_c = find_token(tokenizer, config.score.z_c)
    # Before the model is loaded: what the trainer refuses is refused at once.
    dtype = training_dtype(config.model, start)
    shape = outline(config.model, start)
    args = _arguments(config, arguments, z_c, work, dtype)
    check_surroundings("laser.trainer", args)
    shaping = shaping_rewards(table)
    state = PartialState()
    task = make_task(config.task)
    problems = training_problems(config, tokenizer, table.problems)
    check_steps(args, len(problems))
    need = disk_need(shape, args, len(problems), getattr(torch, dtype).itemsize)
    told = on_main(lambda: need.check(folder.parent))
    if state.is_main_process:
        Console(stderr=True).print(told, markup=False, soft_wrap=True)
    held_out = (
        []
        if table.evaluation is None
        else training_problems(config, tokenizer, table.evaluation.problems, Split.CALIBRATION)
    )
    every = [*problems, *held_out]
    verifier = make_verifier(config.verifier, task)
    share = every[state.process_index :: state.num_processes]
    in_every(lambda: check_references(verifier, share))
    model = load_for_training(config.model, start, dtype)
    eos = find_eos_tokens(model, tokenizer)
    check_scoring_token(tokenizer, z_c, eos.every)
    # Each prompt must leave room for a solution and z_c, and hold no z_c itself.
    room = table.max_completion_length + 1
    encode_rows(
        as_rows(every),
        model,
        tokenizer,
        z_c=z_c,
        eos=eos,
        max_new_tokens=room,
        limit="laser.max_completion_length",
        chat_template_kwargs=config.model.chat_template_kwargs,
    )
    if begun is None:
        with as_trained(dtype, state.device.type):
            c_ref = _reference_constant(config, model, tokenizer, problems)
    else:
        c_ref = begun.c_ref
    record = RunRecord.of(
        config,
        every,
        state.num_processes,
        c_ref,
        start=on_main(lambda: start_hash(start)),
        z_c=z_c,
        eos_token_ids=eos.every,
    )
    if begun is not None:
        begun.check_resumable_as(record)
    check_target(c_ref.mean, config.score.beta_v)
    args.c_ref = c_ref.mean
    trainer = LaSeRTrainer(
        model,
        args=args,
        reward_funcs=[VerifierReward(every, verifier, eos.every), *shaping],
        train_dataset=_data_set(problems),
        eval_dataset=_data_set(held_out, first=len(problems)) if held_out else None,
        measure_held_out=held_out_figures,
        processing_class=tokenizer,
        peft_config=peft_config(config.model.lora),
        callbacks=[JsonLinesLog(work), *early_stopping(table.evaluation)],
    )
    trainer.add_callback(HeldOutReport(trainer))
    if state.is_main_process and begun is None:
        write_record(work, record)
    trainer.train(resume_from_checkpoint=None if last_save is None else str(last_save))
    if state.is_main_process and table.evaluation is not None:
        print(tell_kept(args, trainer.state), file=sys.stderr)
    # Under its name when it is whole.
    partial = final.with_name(".final")
    trainer.save_model(str(partial))
    state.wait_for_everyone()
    if state.is_main_process:
        partial.rename(final)
    _finish(record, final, folder)
    return folder


def _data_set(problems: list[Problem], first: int = 0) -> Dataset:
    """Rows for the trainer, which number their problems from `first` on."""
    return Dataset.from_list(
        [
            {"prompt": list(problem.messages), "problem": index}
            for index, problem in enumerate(problems, start=first)
        ]
    )


def _finish(record: RunRecord, final: Path, folder: Path) -> None:
    """The checkpoint of the trained model, which the main process writes."""
    # A model that is loaded under DeepSpeed's ZeRO-3 waits for the other processes.
    unset_hf_deepspeed_config()
    try:
        on_main(lambda: export_save(record, final, folder))
    except LaServeError as error:
        raise ConfigurationError(
            f"{error}\nThe trained model is in {final}. When that is mended, `laserve-train "
            f"export {record.config.output}` makes the checkpoint of it"
        ) from error


def _arguments(
    config: Config, given: dict[str, Any], z_c: int, work: Path, dtype: str
) -> LaSeRConfig:
    """The trainer's arguments; c_ref is still to be measured where it is not stated."""
    stated = config.score.c_ref
    return build_arguments(
        "laser.trainer",
        LaSeRConfig,
        {
            "report_to": ["tensorboard"],
            **device_arguments(dtype),
            **given,
            "output_dir": str(work),
            "seed": config.seed,
            "chat_template_kwargs": config.model.chat_template_kwargs,
            "z_c": z_c,
            "c_ref": -math.inf if stated == "measure" else stated,
            "beta_v": config.score.beta_v,
            "reward_weights": reward_weights(config.laser),
            **config.laser.arguments,
        },
    )


def _reference_constant(
    config: Config,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: list[Problem],
) -> ReferenceConstant:
    """c_ref, stated or measured once for all processes."""
    if config.score.c_ref != "measure":
        return ReferenceConstant(mean=config.score.c_ref, std=0.0, count=0)
    some = problems[: config.score.c_ref_samples]
    # Of ZeRO-3 each process has a part of the weights; inside, all have the whole.
    with gather_params_ctx(list(model.parameters())):
        return on_main(lambda: measure(config, model, tokenizer, some).c_ref)
