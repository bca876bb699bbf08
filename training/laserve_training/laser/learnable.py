"""Whether training takes steps that train anything, and whether they move the weights at all.

A step of policy gradients changes a weight by about the learning rate, some 1e-6, and a weight of
0.02 in bfloat16 has its neighbours at a distance of 1e-4: most steps round to nothing.
"""

from typing import cast

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import nn

from laserve.errors import ConfigurationError
from laserve_training.laser.config import LaSeRConfig


def check_learnable(model: nn.Module, accelerator: Accelerator) -> None:
    """Raise ConfigurationError where weights in 16 bits are to be trained as they are.

    DeepSpeed, and FSDP with mixed precision, keep copies of their own in float32.
    """
    sharding = accelerator.distributed_type
    if sharding == DistributedType.DEEPSPEED or (
        sharding == DistributedType.FSDP and accelerator.mixed_precision != "no"
    ):
        return
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dtype in (torch.bfloat16, torch.float16):
            dtype = str(parameter.dtype).removeprefix("torch.")
            raise ConfigurationError(
                f"{name} is in {dtype}, where a step of training is lost in rounding: load the "
                f"model in float32, and say `bf16` or `fp16` for what is calculated in"
            )


def check_steps(args: LaSeRConfig, problems: int) -> None:
    """Raise ConfigurationError where a run on so many problems would not train the score that is
    asked for, or not the policy, or nothing."""
    check_batch(args, problems)
    steps = args.steps(problems)
    schedule = args.schedule
    if args.alpha > 0 and not schedule.trains_score(steps - 1):
        raise ConfigurationError(
            f"the score would not be trained: the run has {steps} steps, and "
            f"laser.reasoning_warmup_steps={schedule.reasoning_warmup_steps} of them train the "
            "policy only. Give fewer of these, more steps, or laser.alpha=0"
        )
    if args.alpha == 0 and not schedule.trains_policy(steps - 1):
        raise ConfigurationError(
            f"nothing would be trained: the run has {steps} steps, the policy is trained from "
            f"laser.policy_start_step={schedule.policy_start_step} on, and with laser.alpha=0 the "
            "score never is. Give an earlier start, or an alpha above 0"
        )


def check_batch(args: LaSeRConfig, problems: int) -> None:
    """Raise ConfigurationError for too few problems: TRL leaves out what does not fill a
    generation, and would take no step."""
    generations = cast(int, args.num_generations)
    needed = cast(int, args.generation_batch_size) // generations
    if problems < needed:
        raise ConfigurationError(
            f"{problems} problems are fewer than the {needed} that solutions are generated for "
            f"at a time, so that no step would be taken: give more problems, or a smaller "
            f"per_device_train_batch_size ({args.per_device_train_batch_size} solutions, "
            f"{generations} to a problem, on {args.world_size} devices, for "
            f"{args.steps_per_generation} steps of accumulation)"
        )
