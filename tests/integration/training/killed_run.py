"""`laserve-train`, killed as soon as the save of a step is whole.

python -m tests.integration.training.killed_run STEP laser --config FILE ...
"""

import os
import signal
import sys
from typing import Any

from transformers import TrainerCallback, TrainerState
from transformers.trainer import DEFAULT_CALLBACKS

from laserve_training.__main__ import main


class Killed(TrainerCallback):
    """Ends its process as `kill -9` does."""

    def __init__(self) -> None:
        self._step = int(sys.argv[1])

    def on_save(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        if state.global_step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    callbacks: list[Any] = DEFAULT_CALLBACKS  # declared as a list of one class
    callbacks.append(Killed)
    sys.exit(main(sys.argv[2:]))
