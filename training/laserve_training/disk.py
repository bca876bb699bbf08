"""What a training run writes to disk, told before it begins."""

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from torch import nn

from laserve.errors import ConfigurationError
from laserve_training.laser.config import LaSeRConfig

_FLOAT32 = 4
_ADAM = 8
"""Bytes of two float32 for each weight that is trained."""
_GB = 1e9


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """Bytes of a run."""

    save: int
    """Of one save: what is trained, and Adam's state of it."""
    kept: int
    """Saves that are there at once, the one that is being written included."""
    end: int
    """Of the model at the end, and of the checkpoint that is made of it."""

    @property
    def total(self) -> int:
        """At its highest."""
        return self.save * self.kept + self.end

    def check(self, folder: Path) -> str:
        """What is needed and what there is, in words. Raises ConfigurationError where the disk of
        an existing `folder` has less."""
        free = shutil.disk_usage(folder).free
        told = (
            f"{self.total / _GB:.2f} GB of disk: {self.save / _GB:.2f} GB for each save, "
            f"{self.kept} at once, {self.end / _GB:.2f} GB for the model at the end; "
            f"{free / _GB:.2f} GB are free in {folder}"
        )
        if self.total > free:
            raise ConfigurationError(
                f"the run needs {told}: give another output, a lower "
                "laser.trainer.save_total_limit, or higher save_steps"
            )
        return f"the run needs {told}"


def disk_need(model: nn.Module, args: LaSeRConfig, problems: int, dtype_bytes: int) -> DiskNeed:
    """What a run of this model writes: `model` as it is trained, with its adapter if it has one
    (`models.outline`), `dtype_bytes` of a weight in the checkpoint."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    every = sum(size for size, _ in sizes)
    trained = sum(size for size, is_trained in sizes if is_trained)
    save = trained * (_FLOAT32 if args.save_only_model else _FLOAT32 + _ADAM)
    return DiskNeed(save, _kept(args, problems), trained * _FLOAT32 + every * dtype_bytes)


def _kept(args: LaSeRConfig, problems: int) -> int:
    """The newest saves stay until the next one is whole."""
    if args.save_strategy == "no":
        return 0
    limit = args.save_total_limit
    if limit is not None and args.load_best_model_at_end:
        limit = max(limit, 2)  # the best, and the newest
    strategy, interval = args.save_strategy, args.save_steps
    if strategy == "best":  # at most at each evaluation
        strategy, interval = args.eval_strategy, cast(float, args.eval_steps)
    made = 1  # at the end
    if strategy == "steps":
        steps = args.steps(problems)
        every = interval if interval >= 1 else math.ceil(steps * interval)
        made = math.ceil(steps / every)
    elif args.max_steps <= 0:
        made = math.ceil(args.num_train_epochs)
    return made if limit is None else min(made, limit + 1)
