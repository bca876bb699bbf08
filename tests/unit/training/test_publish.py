"""`laserve-train laser|evaluate --publish`, with a fake server and commands that only write."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from laserve.errors import ConfigurationError
from laserve_training.__main__ import main
from laserve_training.config import Config
from tests.unit.client.fake_server import REASON, STATES, FakeLaServe, error, running

Captured = pytest.CaptureFixture[str]
COMMANDS = ("laser", "evaluate")
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeLaServe]:
    fake = FakeLaServe()
    with running(fake):
        yield fake


class Run:
    """A folder in which `laserve-train` runs; its commands write a file in place of weights."""

    def __init__(self, folder: Path, fake: FakeLaServe) -> None:
        self.folder = folder
        self.fake = fake
        self.checkpoint = folder / "run" / "checkpoint"
        self.error: ConfigurationError | None = None
        self.asked_before = 0
        """Requests to the server by the time that the command had written."""

    def __call__(self, command: str, *arguments: str, url: str | None = None) -> int:
        publish = ("--publish", url or self.fake.url)
        return main([command, "--config", "mine.toml", *publish, *arguments])

    def laser(self, config: Config, *, resume: bool) -> Path:
        return self._write(config.checkpoint)

    def evaluate(self, config: Config, *, checkpoint: Path | None, report: Path | None) -> Path:
        return self._write(checkpoint or config.checkpoint)

    def _write(self, checkpoint: Path) -> Path:
        if self.error is not None:
            raise self.error
        checkpoint.mkdir(parents=True)
        (checkpoint / "model.safetensors").touch()
        self.asked_before = len(self.fake.asked)
        return checkpoint


@pytest.fixture
def run(server: FakeLaServe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    server.reset()
    run = Run(tmp_path, server)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("laserve_training.commands.laser.run_laser", run.laser)
    monkeypatch.setattr("laserve_training.commands.evaluate.run_evaluate", run.evaluate)
    monkeypatch.setattr("laserve_client._sync.POLL_S", 0.0)
    Path("mine.toml").write_text(
        """
        name = "mine"
        output = "run"
        model = { path = "some-model" }
        task = { kind = "sums" }
        score = { z_c = "<|vision_start|>" }
        """
    )
    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_the_server_takes_up_what_was_written(run: Run, command: str, capsys: Captured) -> None:
    assert run(command) == 0
    assert (run.asked_before, run.fake.asked[0].path) == (0, "/v1/checkpoints")
    assert run.fake.asked[0].body == {"path": str(run.checkpoint), "strategy": "auto"}
    assert run.fake.progress == []  # it was followed to its end
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "wrote run/checkpoint",
        f"published {run.checkpoint}: new is active, version 2",
    ]


def test_evaluate_publishes_the_checkpoint_that_it_was_given(run: Run) -> None:
    assert run("evaluate", "--checkpoint", "other") == 0
    assert run.fake.asked[0].body["path"] == str(run.folder / "other")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_rejected_checkpoint_stays_on_disk_and_ends_with_status_1(
    run: Run, command: str, capsys: Captured
) -> None:
    run.fake.progress = ["queued", "verifying", "rejected"]
    assert run(command) == 1
    printed = capsys.readouterr()
    assert printed.out == "wrote run/checkpoint\n"
    assert f"{run.checkpoint} was rejected: {REASON}" in printed.err
    assert "stays on disk" in printed.err
    assert (run.checkpoint / "model.safetensors").exists()


def test_a_server_that_cannot_be_reached_ends_with_the_command_to_publish_later(
    run: Run, capsys: Captured
) -> None:
    assert run("laser", url=NOWHERE) == 2
    printed = capsys.readouterr()
    assert printed.out == "wrote run/checkpoint\n"
    assert f"laserve-train laser: {run.checkpoint} is written, and not published" in printed.err
    assert f"laserve checkpoints load {run.checkpoint} --base-url {NOWHERE}" in printed.err
    assert (run.checkpoint / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("status", "message"), [(403, "no valid admin key"), (501, "this server loads no checkpoints")]
)
def test_what_the_server_refuses_is_told(
    run: Run, status: int, message: str, capsys: Captured
) -> None:
    run.fake.failures.append(error(status, message))
    assert run("laser") == 2
    assert f"not published: {message} (HTTP {status})" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "arguments", "message"),
    [
        ("nowhere", (), "--publish: base_url 'nowhere' is no address of a server"),
        (NOWHERE, ("--admin-key", "schlüssel"), "--publish: admin_key holds"),
        (NOWHERE, ("--api-key", "sk-1\n"), "--publish: api_key holds"),
    ],
)
def test_what_cannot_be_published_to_is_told_before_the_command_runs(
    run: Run, url: str, arguments: tuple[str, ...], message: str, capsys: Captured
) -> None:
    assert run("laser", *arguments, url=url) == 2
    assert message in capsys.readouterr().err
    assert not run.checkpoint.exists()


def test_the_keys_come_from_options_or_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASERVE_ADMIN_KEY", "admin-environment")
    monkeypatch.setenv("LASERVE_API_KEY", "sk-environment")
    run("laser")
    headers = run.fake.asked[0].headers
    assert headers["x-laserve-admin-key"] == "admin-environment"
    assert headers["authorization"] == "Bearer sk-environment"
    run.fake.progress = list(STATES)
    run(
        *("evaluate", "--checkpoint", "other"),
        *("--admin-key", "admin-option", "--api-key", "sk-option"),
    )
    headers = run.fake.asked[-len(STATES)].headers
    assert headers["x-laserve-admin-key"] == "admin-option"
    assert headers["authorization"] == "Bearer sk-option"


def test_a_command_that_fails_publishes_nothing(run: Run, capsys: Captured) -> None:
    run.error = ConfigurationError("no such model")
    assert run("laser") == 2
    assert capsys.readouterr().err == "laserve-train laser: no such model\n"
    assert run.fake.asked == []


def test_of_several_processes_the_main_one_publishes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: Any = lambda: SimpleNamespace(is_main_process=False)  # noqa: E731
    monkeypatch.setattr("laserve_training.commands.publish.PartialState", state)
    assert run("laser") == 0
    assert run.fake.asked == []


@pytest.mark.parametrize("command", ["sft", "measure-ref"])
def test_commands_that_write_no_checkpoint_publish_none(
    run: Run, command: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as left:
        run(command)
    assert left.value.code == 2
    assert "unrecognized arguments: --publish" in capsys.readouterr().err
