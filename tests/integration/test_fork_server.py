"""A forked command is to its caller what an executed one is."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.fork_server import start

SHOW_PLACE = "import os, sys; print(os.getcwd(), os.environ['MINE'], sys.stdin.read() == '')"
WAIT = "print('begun', flush=True); import time; time.sleep(600)"


def executed(output: Path, *command: str) -> psutil.Process:
    """The command in a process with an interpreter of its own."""
    with output.open("wb") as file:
        return psutil.Popen([sys.executable, "-m", *command], stdout=file, stderr=file)


@pytest.mark.parametrize(
    "command",
    [
        ("laserve", "--help"),
        ("laserve", "no-such-command"),
        ("laserve_training", "laser"),
        ("timeit", "-n", "1", "-r", "1", "raise SystemExit(7)"),
    ],
    ids=" ".join,
)
def test_status_and_output_are_those_of_the_command(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    here, there = tmp_path / "forked", tmp_path / "executed"
    assert start(*command, output=here).wait() == executed(there, *command).wait()
    assert here.read_text() == there.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_as_it_ends_the_command(number: signal.Signals, tmp_path: Path) -> None:
    command = ("timeit", "-n", "1", "-r", "1", WAIT)
    here, there = tmp_path / "forked", tmp_path / "executed"
    processes = [start(*command, output=here), executed(there, *command)]
    while not (here.read_text() and there.read_text()):
        time.sleep(0.01)
    for process in processes:
        process.send_signal(number)
    forked_status, executed_status = (process.wait(timeout=60) for process in processes)
    assert forked_status == executed_status != 0


def test_it_has_the_folder_the_environment_and_the_input_of_the_call(tmp_path: Path) -> None:
    output = tmp_path / "output"
    command = ("timeit", "-n", "1", "-r", "1", SHOW_PLACE)
    process = start(*command, output=output, folder=tmp_path, environment={"MINE": "given"})
    assert process.ppid() == os.getpid()
    assert process.wait() == 0
    assert output.read_text().startswith(f"{tmp_path} given True")
