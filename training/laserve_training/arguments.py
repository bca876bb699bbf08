"""The arguments of TRL's trainers, out of the tables of a configuration that are theirs."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import JsonValue
from transformers import TrainingArguments

from laserve.errors import ConfigurationError
from laserve_training.argument_types import check_types

Arguments = TypeVar("Arguments", bound=TrainingArguments)

_OWNED = {
    "output_dir": "`output`",
    "seed": "`seed`",
    "bf16": "`model.dtype`",
    "fp16": "`model.dtype`",
}
"""Arguments of every trainer that are set elsewhere, with where."""

EVALUATION_KEYS = frozenset(
    {
        *("eval_strategy", "eval_steps", "eval_delay", "eval_on_start"),
        *("per_device_eval_batch_size", "num_generations_eval"),
        *("load_best_model_at_end", "metric_for_best_model", "greater_is_better"),
    }
)
"""Keys that have an effect only where a trainer evaluates."""

_COMMAND = "it has no effect here: the command says what is done"
_WITHOUT_EFFECT = {
    "model_init_kwargs": "it has no effect here: the model is loaded as [model] says",
    **dict.fromkeys(("do_train", "do_eval", "do_predict"), _COMMAND),
    "resume_from_checkpoint": "it has no effect here: give --resume",
    **dict.fromkeys(
        (
            "dataset_text_field",
            "dataset_num_proc",
            "truncation_mode",
            "completion_only_loss",
            "assistant_only_loss",
        ),
        "it has no effect here: rows are made into tokens as everywhere, and their completions are "
        "what is learned",
    ),
}
"""Keys that the trainers' classes know and no command has a use for, with why."""


_PARTS = {"vllm_": "use_vllm", "hub_": "push_to_hub"}
"""Beginnings of keys, with the key without which they have no effect."""


def trainer_arguments(
    table: str,
    given: Mapping[str, JsonValue],
    known: type[TrainingArguments],
    owned: Mapping[str, str],
    without_effect: Mapping[str, str],
) -> dict[str, Any]:
    """The content of `[<table>]`, whose keys must be fields of the arguments class `known`, and its
    values of their types (`argument_types`).

    `owned` are keys that are set elsewhere, with where, `without_effect` keys that are of no use,
    with why: both beside those that are so for every trainer. Raises ConfigurationError.
    """
    owned = {**_OWNED, **owned}
    without_effect = {**_WITHOUT_EFFECT, **without_effect}
    names = {field.name for field in fields(known)}
    reporters = given.get("report_to") or ()
    for key in given:
        if key in owned:
            raise ConfigurationError(f"`{table}.{key}`: it is set by {owned[key]}")
        if key not in names:
            raise ConfigurationError(f"unknown key `{table}.{key}`: {known.__name__} has no such")
        if key in without_effect:
            raise ConfigurationError(f"`{table}.{key}`: {without_effect[key]}")
        for prefix, needed in _PARTS.items():
            if key.startswith(prefix) and not given.get(needed):
                raise ConfigurationError(
                    f"`{table}.{key}`: it has no effect without `{table}.{needed}`"
                )
        if key.startswith("trackio_") and "trackio" not in (reporters, *_each(reporters)):
            raise ConfigurationError(
                f"`{table}.{key}`: it has no effect without trackio in `{table}.report_to`"
            )
    check_types(table, given, known)
    return dict(given)


def _each(reporters: JsonValue | tuple[()]) -> list[JsonValue]:
    return reporters if isinstance(reporters, list) else []


def build_arguments(table: str, known: type[Arguments], arguments: Mapping[str, Any]) -> Arguments:
    """The trainer's arguments; what it refuses is a ConfigurationError that names the table."""
    try:
        return known(**arguments)
    except ConfigurationError:
        raise
    # An ImportError names the package that an argument needs, such as DeepSpeed.
    except (ValueError, TypeError, ArithmeticError, ImportError) as error:
        raise ConfigurationError(f"[{table}]: {error}") from error
