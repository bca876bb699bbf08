"""The servers that are asked: plain vLLM's and LaServe's, same model, same flags, both up at once.

A vLLM server that has nothing to do sleeps, so the one that waits for its turn takes nothing from
the other; `cpu_seconds` shows it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contestants import Program
from tests.bench.errors import BenchError
from tests.bench.model import BenchModel

_ALL_CORES = {"VLLM_CPU_NUM_OF_RESERVED_CPU": "0"}
"""`laserve serve` gives an engine all of a few cores. So has plain vLLM here: scores are compared,
not cores."""

_START_TIMEOUT = 600.0
_STOP_TIMEOUT = 30.0


@dataclass(frozen=True)
class Server:
    """One running server, with the processes that it started."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def wait_until_healthy(self) -> None:
        """Return when it answers, which is when it is warm. Raises BenchError if it never does."""
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.5)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        raise BenchError(f"a server did not start; the end of {self.log}:\n{tail}")

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time that each of its processes took so far, by process name."""
        ticks = os.sysconf("SC_CLK_TCK")
        seconds: dict[str, float] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            name, _, rest = stat.partition("(")[2].rpartition(")")
            fields = rest.split()
            if int(fields[3]) == self.process.pid:  # the session that it was started in
                used = (int(fields[11]) + int(fields[12])) / ticks
                seconds[name] = seconds.get(name, 0.0) + used
        return seconds


@contextmanager
def running(program: Program, model: BenchModel, flags: list[str], logs: Path) -> Iterator[Server]:
    """Start a server, and stop it and all its processes in the end."""
    port = _free_port()
    command = [*_command(program, model), "--host", "127.0.0.1", "--port", str(port), *flags]
    log = logs / f"{program}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**_ALL_CORES, **os.environ},
            start_new_session=True,
        )
    try:
        yield Server(f"http://127.0.0.1:{port}", process, log)
    finally:
        _stop(process)


def _command(program: Program, model: BenchModel) -> list[str]:
    if program == "vllm":
        # The module, since the `vllm` command of vllm-cpu does not start.
        entry = ["-m", "vllm.entrypoints.launchers.api_server.entry", "--model", str(model.path)]
    else:
        entry = ["-m", "laserve", "serve", str(model.path)]
        entry += ["--z-c", str(model.z_c), "--c-ref", "-36", "--beta-v", "0.1"]
    return [sys.executable, *entry]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its own group: whatever it left behind
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
