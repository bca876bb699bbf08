"""A real `laserve serve` in a process of its own."""

import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import psutil

from tests.budget import Kind, spend
from tests.fork_server import ONE_THREAD, ROOT, ended, start

START_LIMIT_S = 300
"""A busy machine with two cores may need minutes; a server that died is noticed at once."""
KV_CACHE_BYTES = str(1 << 26)
"""More only takes the kernel time to zero."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    base_url: str
    model: str
    api_key: str
    log: Path
    pid: int
    health_before_ready: tuple[int | None, ...]
    """What /health said while the server started; None where nothing listened."""

    http: httpx.Client
    """For what the official client does not say; sends the key."""
    client: openai.OpenAI
    """The official client, without retries: an error is to be seen."""

    def async_client(self) -> openai.AsyncOpenAI:
        """The same, asynchronous; to be closed."""
        return openai.AsyncOpenAI(
            base_url=f"{self.base_url}/v1", api_key=self.api_key, max_retries=0, timeout=60
        )

    def wait_until(self, holds: Callable[[], bool], limit_s: float = 60) -> None:
        """Fails with the end of the log where it does not hold in time."""
        deadline = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < deadline, self.log.read_text()[-5000:]
            time.sleep(0.05)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a Prometheus metric over the samples with these labels."""
        total = 0.0
        for line in self.http.get("/metrics").text.splitlines():
            match = re.fullmatch(rf"{re.escape(name)}(?:{{(.*)}})? ([^ ]+)", line)
            found = dict(re.findall(r'(\w+)="([^"]*)"', match[1] or "")) if match else {}
            if match and labels.items() <= found.items():
                total += float(match[2])
        return total


@contextmanager
def running_server(
    model: Path,
    log: Path,
    *flags: str,
    name: str = "tiny",
    api_key: str = "",
    installed: bool = False,
) -> Iterator[Server]:
    """Start, wait until it is healthy, stop. Raises RuntimeError with the log's end if it dies.

    ``installed``: by the console script, as a user does; 30 CPU-seconds more than a fork.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    arguments += ["--served-model-name", name, "--kv-cache-memory-bytes", KV_CACHE_BYTES, *flags]
    if api_key:
        arguments += ["--api-key", api_key]
    if installed:
        process = _by_console_script(arguments, log)
    else:
        spend(Kind.SERVER)
        process = start("laserve", *arguments, output=log, environment=ONE_THREAD)
    try:
        url = f"http://127.0.0.1:{port}"
        health = _wait_until_healthy(url, process, log)
        key = api_key or "none"
        headers = {"Authorization": f"Bearer {key}"}
        with (
            httpx.Client(base_url=url, headers=headers, timeout=60) as http,
            openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=60) as client,
        ):
            yield Server(url, name, key, log, process.pid, health, http, client)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        try:
            process.wait(timeout=60)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


def _by_console_script(arguments: list[str], log: Path) -> psutil.Process:
    spend(Kind.INSTALLED_SERVER)
    script = Path(sys.executable).with_name("laserve")
    # Some are started with classes of the tests, which a script does not find by its folder.
    folders = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    with log.open("w") as output:
        # Not a `Popen`, which complains where another one has seen its process end.
        both = [(os.POSIX_SPAWN_DUP2, output.fileno(), number) for number in (1, 2)]
        command = [str(script), *arguments]
        return psutil.Process(os.posix_spawn(script, command, environment, file_actions=both))


def _wait_until_healthy(url: str, process: psutil.Process, log: Path) -> tuple[int | None, ...]:
    before: list[int | None] = []
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if ended(process):
            raise RuntimeError(f"the server died:\n{log.read_text()[-5000:]}")
        try:
            status: int | None = httpx.get(f"{url}/health", timeout=5).status_code
        except httpx.TransportError:
            status = None
        if status == httpx.codes.OK:
            return tuple(before)
        before.append(status)
        time.sleep(0.5)
    raise RuntimeError(f"the server is not healthy after {START_LIMIT_S} s:\n{log.read_text()}")
