"""Whether steps move the weights at all.

A step of policy gradients changes a weight by about the learning rate, some 1e-6, and a weight of
0.02 in bfloat16 has its neighbours at a distance of 1e-4: most steps round to nothing.
"""

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import nn

from laserve.errors import ConfigurationError


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
