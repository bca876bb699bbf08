"""The price of the LaSeR loss: TRL's GRPO step against LaSeR's, on the same work, in one run.

    python -m tests.bench.training_step [CHECKPOINT] [--rounds 8] [--steps 6]

Each round runs the contestants in turn, in another order each time, on the same problems, seeds and
weights (the learning rate is 0, so that all sample the same solutions). A step is generation,
scoring and the update; the first one of a run warms up and is not counted. Prints each contestant's
median step and the median over the rounds of its ratio to GRPO's in the same round.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from datasets import Dataset
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from transformers import TrainerCallback
from transformers.utils.logging import disable_progress_bar
from trl import GRPOConfig, GRPOTrainer

from laserve.core.manifest import read_manifest
from laserve.reference.load import load_model
from laserve_training.laser.config import LaSeRConfig
from laserve_training.laser.rewards import VerifierReward
from laserve_training.laser.trainer import LaSeRTrainer
from laserve_training.models import training_tokenizer
from laserve_training.problem import Split
from laserve_training.tasks.countdown import CountdownTask
from tests.bench.errors import BenchError
from tests.bench.machine import machine_facts
from tests.bench.statistics import paired_ratio

GRPO = "TRL's GRPO"
CONTESTANTS: dict[str, dict[str, Any]] = {
    GRPO: {},
    "LaSeR, score phase": {"self_reward_warmup_steps": 10**6},
    "LaSeR, integration phase": {"self_reward_warmup_steps": 0},
}
"""Name -> LaSeR's arguments."""

WORK: dict[str, Any] = {
    "per_device_train_batch_size": 256,
    "num_generations": 8,
    "max_completion_length": 24,
    "learning_rate": 0.0,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": [],
    "save_strategy": "no",
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}


class StepTimes(TrainerCallback):
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begin = 0.0

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self._begin = time.perf_counter()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.seconds.append(time.perf_counter() - self._begin)


def run_steps(checkpoint: Path, name: str, steps: int, seed: int) -> float:
    """Median seconds of a step of one contestant."""
    manifest = read_manifest(checkpoint)
    if manifest is None:
        raise BenchError(f"{checkpoint} has no laserve.json")
    task = CountdownTask()
    problems = task.problems(Split.TRAIN, 32 * (steps + 1), seed)
    tokenizer = training_tokenizer(str(checkpoint))
    times = StepTimes()
    laser: dict[str, Any] = {
        "z_c": manifest.z_c,
        "c_ref": manifest.c_ref.mean,
        "beta_v": manifest.beta_v,
        "reasoning_warmup_steps": 0,
    }
    with tempfile.TemporaryDirectory() as folder:
        arguments = {**WORK, "output_dir": folder, "seed": seed, "max_steps": steps + 1}
        options: dict[str, Any] = {
            "reward_funcs": [VerifierReward(problems, task.verifier, {tokenizer.eos_token_id})],
            "train_dataset": Dataset.from_list(
                [
                    {"prompt": list(problem.messages), "problem": index}
                    for index, problem in enumerate(problems)
                ]
            ),
            "processing_class": tokenizer,
            "callbacks": [times],
        }
        model = load_model(str(checkpoint), "float32")
        if name == GRPO:
            trainer = GRPOTrainer(model, args=GRPOConfig(**arguments), **options)
        else:
            args = LaSeRConfig(**arguments, **laser, **CONTESTANTS[name])
            trainer = LaSeRTrainer(model, args=args, **options)
        trainer.train()
    return statistics.median(times.seconds[1:])


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, nargs="?", default=Path("demo/laserve-countdown"))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6, help="counted steps of a run")
    options = parser.parse_args()
    disable_progress_bar()
    names = list(CONTESTANTS)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    console = Console()
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("steps", total=options.rounds * len(names))
        for number in range(options.rounds):
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                seconds[name].append(
                    run_steps(options.checkpoint, name, options.steps, seed=number)
                )
                progress.advance(bar)
    table = Table("", "step, s", "ratio to GRPO", "lowest", "highest", title="A training step")
    for name in names:
        ratio = paired_ratio(zip(seconds[name], seconds[GRPO], strict=True))
        table.add_row(
            name,
            f"{statistics.median(seconds[name]):.3f}",
            *(f"{value:.3f}" for value in (ratio.median, ratio.lowest, ratio.highest)),
        )
    console.print(table)
    console.print(f"{options.rounds} rounds of {options.steps} steps; {machine_facts()}")


if __name__ == "__main__":
    main()
