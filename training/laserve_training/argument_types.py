"""What the value of a trainer's argument may be: of its field's type, and within bounds where the
trainer would take another one and end in a traceback, or train nothing."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from transformers import TrainingArguments
from trl import GRPOConfig, SFTConfig

from laserve.errors import ConfigurationError

_Above0 = Annotated[float, Field(gt=0)]
_AtLeast0 = Annotated[float, Field(ge=0)]
_Some = Annotated[int, Field(ge=1)]


def _steps(value: int) -> int:
    if value == 0:
        raise ValueError("0 steps train nothing; without a number num_train_epochs counts")
    return value


_BOUNDS: Mapping[type[TrainingArguments], Mapping[str, Any]] = {
    TrainingArguments: {
        **dict.fromkeys(("learning_rate", "num_train_epochs", "save_steps", "eval_steps"), _Above0),
        **dict.fromkeys(("warmup_steps", "weight_decay", "max_grad_norm"), _AtLeast0),
        **dict.fromkeys(
            ("per_device_train_batch_size", "per_device_eval_batch_size", "save_total_limit"), _Some
        ),
        "gradient_accumulation_steps": _Some,
        "max_steps": Annotated[int, AfterValidator(_steps)],
    },
    SFTConfig: {"loss_type": Literal["nll", "dft"]},
    GRPOConfig: {
        "temperature": _Above0,
        "top_p": Annotated[float, Field(gt=0, le=1)],
        "top_k": Annotated[int, Field(ge=0)],
        "min_p": Annotated[float, Field(ge=0, le=1)],
        **dict.fromkeys(("beta", "epsilon"), _AtLeast0),
        **dict.fromkeys(
            (
                *("num_generations", "num_generations_eval", "num_iterations"),
                *("generation_batch_size", "steps_per_generation"),
            ),
            _Some,
        ),
        "generation_kwargs": dict[str, JsonValue],
        "importance_sampling_level": Literal["token", "sequence"],
        "loss_type": Literal["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"],
        "scale_rewards": bool | Literal["group", "batch", "none"],
    },
}
"""Narrower than the types of the fields."""


def check_types(table: str, given: Mapping[str, JsonValue], known: type[TrainingArguments]) -> None:
    """Raise ConfigurationError for a value of `[<table>]` that its field in `known` cannot have."""
    types = get_type_hints(known)
    for owner, bounds in _BOUNDS.items():
        if issubclass(known, owner):
            types |= bounds
    for key, value in given.items():
        one = TypeAdapter(types[key], config=ConfigDict(arbitrary_types_allowed=True))
        try:
            # Out of JSON, where an enumeration is its text.
            one.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            faults = dict.fromkeys(fault["msg"] for fault in error.errors(include_url=False))
            reason = ", or ".join(faults).removeprefix("Value error, ")
            raise ConfigurationError(f"`{table}.{key}` is {json.dumps(value)}: {reason}") from error
