"""What a trainer needs beside data and model: asked before the model is loaded."""

import warnings
from typing import Any, cast

import torch
from huggingface_hub import HfApi
from torch import nn
from transformers import PreTrainedModel, Trainer, TrainingArguments, get_scheduler
from transformers.integrations.integration_utils import (
    INTEGRATION_TO_CALLBACK,
    get_available_reporting_integrations,
)
from transformers.utils.import_utils import is_liger_kernel_available
from trl.import_utils import is_vllm_available

from laserve.errors import ConfigurationError
from laserve.reference.hub import reaches_hub


def check_surroundings(table: str, args: TrainingArguments) -> None:
    """Raise ConfigurationError that names the key of `[<table>]` that asks for a package or a
    service that is not there."""
    # The trainers' classes make a list of it, whatever they were given.
    for name in cast(list[str], args.report_to):
        if name not in INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            raise ConfigurationError(f"`{table}.report_to`: {name} is none of {known}")
        if name not in get_available_reporting_integrations():
            raise ConfigurationError(
                f"`{table}.report_to`: {name} is not installed: `pip install {name}`, or leave it "
                "out"
            )
    if args.use_liger_kernel and not is_liger_kernel_available():
        raise ConfigurationError(
            f"`{table}.use_liger_kernel`: liger-kernel is not installed: `pip install "
            "liger-kernel`, or leave it out"
        )
    _check_optimizer(table, args)
    if args.push_to_hub:
        _check_hub(table)
    if getattr(args, "use_vllm", False):
        _check_vllm(table)


def _check_optimizer(table: str, args: TrainingArguments) -> None:
    """Makes the optimizer's class and the schedule of the learning rate, for one weight."""
    # Such an optimizer looks for modules of the model.
    if args.optim_target_modules is None:
        one = cast(PreTrainedModel, nn.Linear(1, 1))
        try:
            Trainer.get_optimizer_cls_and_kwargs(args, one)
        except (ValueError, TypeError, ImportError) as error:
            raise ConfigurationError(f"`{table}.optim`: {error}") from error
    weight = nn.Parameter(torch.zeros(1))
    try:
        get_scheduler(
            args.lr_scheduler_type,
            torch.optim.SGD([weight], args.learning_rate),
            num_warmup_steps=args.get_warmup_steps(1),
            num_training_steps=1,
            scheduler_specific_kwargs=cast(dict[str, Any] | None, args.lr_scheduler_kwargs),
        )
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ConfigurationError(f"`{table}.lr_scheduler_type`: {error}") from error


def _check_hub(table: str) -> None:
    reason = "the hub cannot be reached"
    if reaches_hub():
        try:
            HfApi().whoami()
            return
        # All of the hub's refusals, a missing token among them.
        except OSError as error:
            reason = str(error)
    raise ConfigurationError(f"`{table}.push_to_hub`: {reason}. Mend it, or leave it out")


def _check_vllm(table: str) -> None:
    # TRL knows which versions it works with, and warns of others.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            reason = "" if is_vllm_available() else "vLLM is not installed."
        except UserWarning as warning:
            reason = str(warning)
    if reason:
        raise ConfigurationError(
            f"`{table}.use_vllm`: {reason} Run `pip install . './training[rollouts]'` in a "
            "checkout of LaServe, in an environment of its own"
        )
