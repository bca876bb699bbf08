"""What `laserve` says of itself without a model, and how a command tells how far it is."""

import re
import sys
from importlib.metadata import version

import pytest
from rich.console import Console

from laserve import progress
from laserve.__main__ import USAGE, main


@pytest.mark.parametrize("argument", ["help", "--help", "-h"])
def test_help_is_a_command_too(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 0
    assert capsys.readouterr().out == USAGE


@pytest.mark.parametrize("argument", ["version", "--version", "-V"])
def test_it_tells_its_release_and_the_engines(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"laserve {version('laserve')}, ")
    assert re.search(r"vllm(-cpu)? \d", told)


@pytest.mark.parametrize("command", ["select", "measure-ref"])
def test_a_command_that_reads_prompts_shows_an_example_of_them(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "INFO")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert '{"prompt": "What is 12 + 7?"}' in capsys.readouterr().out


def test_progress_is_lines_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress_bar() as bar:
        task = bar.add_task("measuring", total=40)
        for _ in range(40):
            bar.advance(task)
        for _ in bar.track(range(3), description="judging"):
            pass
    lines = capsys.readouterr().err.splitlines()
    assert lines[:10] == [f"measuring: {count} of 40" for count in range(4, 41, 4)]
    assert lines[-1] == "judging: 3 of 3"


def test_progress_is_one_line_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        progress, "Console", lambda **_: Console(file=sys.stderr, force_terminal=True)
    )
    with progress.progress_bar() as bar:
        task = bar.add_task("measuring", total=40)
        bar.advance(task, 40)
    assert "measuring: 40 of 40" not in capsys.readouterr().err
