"""Processes and accumulation steps share one batch: its weights, its groups, its loss."""

import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from laserve_training.evaluation.held_out import FIGURES
from tests import fork_server
from tests.tiny_model import TinyModel

LOGGED = ("loss", "self_reward/loss", "self_reward/score_correct", "self_reward/score_incorrect")
STEP = "tests.integration.training.distributed_step"


def step(tiny: TinyModel, output: Path, processes: int, batch: int, accumulation: int) -> Any:
    """What a step leaves in so many processes (gloo on the CPU)."""
    arguments = map(str, (tiny.path, output, tiny.z_c, batch, accumulation))
    command = [STEP, *arguments]
    logs = [output.with_name(f"{rank}.log") for rank in range(processes)]
    environments = as_torchrun_sets_them(processes) if processes > 1 else [{}]
    started = [
        fork_server.start(*command, output=log, environment={"OMP_NUM_THREADS": "1"} | environment)
        for log, environment in zip(logs, environments, strict=True)
    ]
    for process, log in zip(started, logs, strict=True):
        assert process.wait() == 0, log.read_text()[-3000:]
    return torch.load(output, weights_only=True)


def as_torchrun_sets_them(processes: int) -> list[dict[str, str]]:
    """The environment variables by which so many processes on one machine find each other, for
    each of them; torchrun's documentation tells their meaning."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared |= {name: str(processes) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE")}
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]


@pytest.fixture(scope="module")
def one_process(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return step(tiny, tmp_path_factory.mktemp("one") / "step.pt", 1, batch=8, accumulation=1)


@pytest.mark.parametrize(
    ("processes", "accumulation"), [(2, 1), (1, 2)], ids=["two processes", "two micro-batches"]
)
def test_a_split_batch_trains_as_the_whole_one(
    tiny: TinyModel, one_process: Any, tmp_path: Path, processes: int, accumulation: int
) -> None:
    # Eight solutions of one problem: their group is split as well.
    split = step(tiny, tmp_path / "step.pt", processes, batch=4, accumulation=accumulation)
    assert split["solutions"] == one_process["solutions"]
    # The step logs the mean over processes, rounded to four digits.
    # Means of the classes are logged as means over micro-batches.
    for name in LOGGED if accumulation == 1 else LOGGED[:2]:
        assert split["logged"][name] == pytest.approx(one_process["logged"][name], abs=2e-4), name
    for name in (f"eval_{figure}" for figure in FIGURES):
        assert split["metrics"][name] == pytest.approx(one_process["metrics"][name]), name
    last = processes - 1
    assert split["agreed"] == {"every": [*range(processes)], "main": 0, "error": f"process {last}"}
    for name, tensor in one_process["weights"].items():
        assert torch.allclose(split["weights"][name], tensor, atol=1e-6), name


def test_weights_are_those_of_the_seven_finished_solutions(one_process: Any) -> None:
    # 3 correct and 4 incorrect of 7 finished; the eighth, correct too, is truncated.
    expected = [7 / 6] * 3 + [7 / 8] * 4 + [0.0]
    assert [weight for _, _, weight in one_process["solutions"]] == pytest.approx(expected)
    assert [target for _, target, _ in one_process["solutions"]] == [1, 1, 1, 0, 0, 0, 0, 1]
