"""`laserve-client checkpoints`."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from laserve_client.cli import main
from tests.unit.client.fake_server import (
    BEFORE,
    MODEL,
    REASON,
    STATES,
    WEIGHTS,
    FakeLaServe,
    error,
)

Captured = pytest.CaptureFixture[str]
PATH = "/checkpoints/new"
ACTIVE = f"{MODEL}, version 1, weights {WEIGHTS}, {BEFORE}"


def run(fake: FakeLaServe, *arguments: str) -> int:
    return main(["checkpoints", *arguments, "--base-url", fake.url])


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands make their clients themselves."""
    monkeypatch.setattr("laserve_client._sync.POLL_S", 0.0)


def test_load_prints_what_is_active_now(fake: FakeLaServe, capsys: Captured) -> None:
    assert run(fake, "load", PATH, "--strategy", "side_by_side") == 0
    printed = capsys.readouterr()
    assert printed.out == (
        f"new is active, version 2, weights {WEIGHTS} (queued 0.2 s, verifying 0.2 s, "
        "loading 0.2 s, proving 0.2 s)\n"
    )
    assert printed.err == ""
    assert fake.asked[0].body == {"path": PATH, "strategy": "side_by_side"}


def test_a_relative_folder_is_taken_from_here(
    fake: FakeLaServe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(fake, "load", "run/checkpoint") == 0
    assert fake.asked[0].body["path"] == str(tmp_path / "run" / "checkpoint")


def test_rollback_prints_what_is_active_now(fake: FakeLaServe, capsys: Captured) -> None:
    assert run(fake, "rollback") == 0
    assert capsys.readouterr().out.startswith(f"new is active, version 2, weights {WEIGHTS} (")
    assert fake.asked[0].path == "/v1/checkpoints/rollback"


@pytest.mark.parametrize("action", [["load", PATH], ["rollback"]])
def test_a_rejection_ends_with_status_1_and_the_reason_on_stderr(
    fake: FakeLaServe, capsys: Captured, action: list[str]
) -> None:
    fake.progress = ["queued", "rejected"]
    assert run(fake, *action) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith(f" was rejected: {REASON}\n")


@pytest.mark.parametrize(("states", "status"), [(["active"], 0), (["queued", "rejected"], 1)])
def test_json_holds_the_whole_load(
    fake: FakeLaServe, capsys: Captured, states: list[str], status: int
) -> None:
    fake.progress = states
    assert run(fake, "load", PATH, "--json") == status
    assert json.loads(capsys.readouterr().out) == fake.loads[0]


def test_no_wait_returns_at_once(fake: FakeLaServe, capsys: Captured) -> None:
    assert run(fake, "load", PATH, "--no-wait") == 0
    assert capsys.readouterr().out == "load-1 is queued\n"
    assert len(fake.asked) == 1


def test_list_has_a_line_for_what_is_served_and_each_load(
    fake: FakeLaServe, capsys: Captured
) -> None:
    assert run(fake, "list") == 0
    assert capsys.readouterr().out == (
        f"active: {ACTIVE}, 3 requests in flight, nothing to roll back to\n"
    )
    fake.progress = ["rejected", *STATES]
    run(fake, "load", PATH)
    run(fake, "rollback")
    capsys.readouterr()
    assert run(fake, "list") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"active: {ACTIVE}, 3 requests in flight, can be rolled back",
        f"2026-01-02 03:04:05 load-2 active rollback: {BEFORE}",
        f"2026-01-02 03:04:05 load-1 rejected {PATH}: {REASON}",
    ]
    assert run(fake, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"] == fake.loads[::-1]


def test_the_keys_come_from_the_environment_or_an_option(
    fake: FakeLaServe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASERVE_ADMIN_KEY", "admin-environment")
    monkeypatch.setenv("LASERVE_API_KEY", "sk-environment")
    run(fake, "rollback", "--no-wait")
    assert fake.asked[-1].headers["x-laserve-admin-key"] == "admin-environment"
    assert fake.asked[-1].headers["authorization"] == "Bearer sk-environment"
    run(fake, "load", PATH, "--no-wait", "--admin-key", "admin-option", "--api-key", "sk-option")
    assert fake.asked[-1].headers["x-laserve-admin-key"] == "admin-option"
    assert fake.asked[-1].headers["authorization"] == "Bearer sk-option"


def test_errors_end_with_status_2_and_one_line(fake: FakeLaServe, capsys: Captured) -> None:
    fake.failures.append(error(409, "nothing was active before"))
    assert run(fake, "rollback") == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        "laserve-client checkpoints: nothing was active before (HTTP 409)\n",
    )
    fake.progress = ["loading"] * 10_000
    assert run(fake, "load", PATH, "--timeout", "0.01") == 2
    assert "load-1 is still loading" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["load"], ["dance"], ["load", PATH, "--strategy", "x"]])
def test_a_wrong_call_ends_with_the_usage(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["checkpoints", *arguments])
    assert caught.value.code == 2
    assert "usage: laserve-client checkpoints" in capsys.readouterr().err


@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_sees_the_state_where_rich_is_installed(fake: FakeLaServe, rich: bool) -> None:
    program = "import sys\n"
    if not rich:
        program += "sys.modules['rich'] = None\n"
    program += "from laserve_client.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "checkpoints", "load", PATH, "--base-url", fake.url]
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=slave, env=environment, text=True)
    os.close(slave)
    shown = _read(master)
    assert done.returncode == 0, shown
    assert done.stdout.startswith("new is active, version 2")
    assert ("load-1 verifying" in shown) == rich


def _read(master: int) -> str:
    """What was written to a terminal that is closed at its other end."""
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:
            os.close(master)
            return shown.decode()
