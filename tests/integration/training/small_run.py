"""A run of a few steps of the demo's kind, through the command line in a process of its own."""

import json
from pathlib import Path
from typing import Any

from tests import fork_server
from tests.budget import Kind, spend

CONFIG = Path(__file__).parents[3] / "training" / "configs" / "countdown.toml"
SMALL = (
    "model.scratch.hidden_size=64",
    "model.scratch.intermediate_size=128",
    "model.scratch.num_hidden_layers=2",
    "model.scratch.num_attention_heads=2",
    "task.numbers=2",
    "score.beta_v=0.8",  # a model that has hardly been trained gives z_c a few nats below 0
    "score.c_ref_samples=16",
    "sft.examples=6400",
    "sft.trainer.per_device_train_batch_size=32",
    "sft.trainer.warmup_steps=20",
    "laser.problems=64",
    "laser.policy_start_step=0",
    "laser.self_reward_warmup_steps=2",
    "laser.trainer.per_device_train_batch_size=16",
    "laser.trainer.num_generations=4",
    "laser.trainer.max_steps=8",
    "laser.trainer.warmup_steps=2",
    "laser.trainer.save_steps=2",
    "laser.trainer.save_total_limit=8",
    "laser.trainer.logging_steps=1",
    "laser.evaluation.problems=6",
    "laser.trainer.eval_steps=2",
    "laser.trainer.per_device_eval_batch_size=16",
    "evaluate.problems=12",
    "evaluate.calibration_problems=12",
    "evaluate.samples=4",
)


def arguments(command: str, output: Path, *more: str) -> list[str]:
    """The command line of `laserve-train <command>`."""
    return [command, "--config", str(CONFIG), f"output={output}", *SMALL, *more]


def run(command: str, output: Path, *more: str) -> str:
    """Run it to its end; what it printed. Fails where it fails."""
    return run_command(command, output, *arguments(command, output, *more)[1:])


def run_command(command: str, output: Path, *arguments: str) -> str:
    """The same with a command line of one's own."""
    log = output.parent / f"{output.name}-{command}.log"
    status = _status("laserve_training", command, *arguments, log=log)
    text = log.read_text(errors="replace")
    assert status == 0, text[-3000:]
    return text


def run_killed_at(step: int, output: Path, log: Path) -> int:
    """Run `laser` until SIGKILL comes, right after the save of this step; its exit status."""
    killed = "tests.integration.training.killed_run"
    return _status(killed, str(step), *arguments("laser", output), log=log)


def _status(module: str, *arguments: str, log: Path) -> int:
    spend(Kind.TRAINING)
    environment = {"OMP_NUM_THREADS": "1"}
    process = fork_server.start(module, *arguments, output=log, environment=environment)
    return int(process.wait())


def log_of(output: Path) -> dict[int, dict[str, Any]]:
    """What LaSeR logged at each step; a step that was trained again counts once, the later time."""
    lines = (output / "laser" / "log.jsonl").read_text().splitlines()
    return {entry["step"]: entry for entry in map(json.loads, lines) if "loss" in entry}
