"""`laserve-train sft`: supervised fine-tuning on demonstrations with TRL's SFTTrainer."""

import shutil
from pathlib import Path
from typing import Any, cast

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.integrations.deepspeed import unset_hf_deepspeed_config
from trl import SFTConfig, SFTTrainer, pack_dataset

from laserve.core.tokens import find_token
from laserve.errors import ConfigurationError, DataError
from laserve.reference.encode import encode_rows, find_eos_tokens
from laserve_training.arguments import EVALUATION_KEYS, build_arguments, trainer_arguments
from laserve_training.checkpoint import check_output
from laserve_training.config import Config, SftTable
from laserve_training.logs import JsonLinesLog
from laserve_training.models import (
    device_arguments,
    load_for_training,
    load_trained,
    peft_config,
    training_dtype,
    training_tokenizer,
)
from laserve_training.problem import Problem, Split, Task
from laserve_training.processes import on_main
from laserve_training.rows import as_rows
from laserve_training.scratch import new_model, new_tokenizer
from laserve_training.surroundings import check_surroundings
from laserve_training.tasks.generated import GeneratedTask
from laserve_training.tasks.registry import make_task
from laserve_training.working_folder import working_folder

_OWNED = {"dataset_kwargs": "the sft command", "max_length": "the model's context"}
_WITHOUT_EFFECT = dict.fromkeys(EVALUATION_KEYS, "nothing is evaluated in fine-tuning")


def run_sft(config: Config) -> Path:
    """Train, and return the folder of the fine-tuned model. Raises ConfigurationError."""
    if config.sft is None:
        raise ConfigurationError("the configuration has no [sft] table")
    owned = {
        key: owner
        for key, owner in _OWNED.items()
        if not (key == "max_length" and config.sft.trainer.get("packing"))
    }
    arguments = trainer_arguments(
        "sft.trainer", config.sft.trainer, SFTConfig, owned, _WITHOUT_EFFECT
    )
    folder, work = config.output / "sft", config.output / "sft-training"
    check_output(folder)
    dtype = training_dtype(config.model, config.model.path)
    args = build_arguments(
        "sft.trainer",
        SFTConfig,
        {
            "report_to": ["tensorboard"],
            "save_strategy": "no",
            **device_arguments(dtype),
            **arguments,
            "output_dir": str(work),
            "seed": config.seed,
            "dataset_kwargs": {"skip_prepare_dataset": True},
        },
    )
    check_surroundings("sft.trainer", args)
    task = make_task(config.task)
    demonstrations = _demonstrations(config.sft, task, config.seed)
    model, tokenizer = _start(config, task, dtype)
    rows = _tokenized(config, model, tokenizer, demonstrations)
    trainer = SFTTrainer(
        model,
        args=args,
        train_dataset=packed(rows, args) if args.packing else Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=peft_config(config.model.lora),
        callbacks=[JsonLinesLog(work)],
    )
    trainer.train()
    if not trainer.state.global_step:
        raise ConfigurationError(
            "the trainer took no step: give more demonstrations, or sft.trainer.num_train_epochs "
            "above 0"
        )
    # In all processes: where each has a part of the weights, they are gathered.
    saved = work / "final"
    trainer.save_model(str(saved))
    # A model that is loaded under DeepSpeed's ZeRO-3 waits for the other processes.
    unset_hf_deepspeed_config()
    on_main(lambda: _write(config, saved, dtype, tokenizer, folder))
    return folder


def _write(
    config: Config, saved: Path, dtype: str, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """The fine-tuned model, in what it calculates in and with its adapter merged, at `folder` when
    it is whole; what the trainer saved goes."""
    trained = load_trained(saved, config.model.path, config.model, dtype)
    with working_folder(folder) as written:
        trained.save_pretrained(written)
        tokenizer.save_pretrained(written)
        written.rename(folder)
    shutil.rmtree(saved)


def packed(rows: list[dict[str, Any]], args: SFTConfig) -> Dataset:
    """The tokenized rows, as many to a sequence as `args.max_length` tokens hold; none attends to
    another. Raises ConfigurationError for rows that would be cut."""
    width = cast(int, args.max_length)
    if args.packing_strategy == "wrapped":
        raise ConfigurationError(
            "sft.trainer.packing_strategy 'wrapped' cuts demonstrations: leave it at 'bfd'"
        )
    longest = max(len(row["input_ids"]) for row in rows)
    if longest > width:
        raise ConfigurationError(
            f"sft.trainer.max_length={width} would cut a demonstration of {longest} tokens: give "
            "at least as many"
        )
    filled: Dataset = pack_dataset(Dataset.from_list(rows), width, args.packing_strategy)
    return filled


def _demonstrations(table: SftTable, task: Task, seed: int) -> list[Problem]:
    if isinstance(task, GeneratedTask):
        if table.examples is None:
            raise ConfigurationError(
                f"sft.examples is missing: demonstrations of {task.name} are drawn without end"
            )
        return task.demonstrations(table.examples, seed, table.correct_share)
    problems = task.problems(Split.TRAIN, table.examples, seed)
    for problem in problems:
        if problem.completion is None:
            raise DataError(f"{problem.where} has no `completion` to fine-tune on: add it")
    return problems


def _start(
    config: Config, task: Task, dtype: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    scratch = config.model.scratch
    if scratch is None:
        path = cast(str, config.model.path)
        return load_for_training(config.model, path, dtype), training_tokenizer(path)
    if not isinstance(task, GeneratedTask):
        raise ConfigurationError(
            f"a model from scratch needs a task with an alphabet; {task.name} has none: give "
            "model.path"
        )
    tokenizer = new_tokenizer(task.alphabet)
    return new_model(scratch, tokenizer, task.alphabet, config.seed), tokenizer


def _tokenized(
    config: Config,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: list[Problem],
) -> list[dict[str, Any]]:
    """Token ids and labels; the loss counts on the completion and its EOS only."""
    encoded = encode_rows(
        as_rows(problems, with_completions=True),
        model,
        tokenizer,
        z_c=find_token(tokenizer, config.score.z_c),
        eos=find_eos_tokens(model, tokenizer),
        max_new_tokens=0,
        chat_template_kwargs=config.model.chat_template_kwargs,
    )
    return [
        {
            "input_ids": [*row.prompt, *(row.completion or ())],
            "labels": [-100] * len(row.prompt) + list(row.completion or ()),
        }
        for row in encoded
    ]
