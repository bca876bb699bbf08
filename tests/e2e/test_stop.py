"""SIGTERM at every phase of a server's life: what is asked of it, and that nothing of it stays."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.bench.hot_load.memory import engines, family
from tests.budget import Kind, spend
from tests.e2e.conftest import ENGINE_FLAGS
from tests.e2e.hot_loading import HotServer, running_hot_server
from tests.e2e.server import KV_CACHE_BYTES, Server
from tests.fork_server import ONE_THREAD, start
from tests.tiny_model import TinyModel

GONE_S = 20.0
"""For what takes a second on a machine that has nothing else to do."""


@contextmanager
def starting(model: TinyModel, log: Path) -> Iterator[psutil.Process]:
    """A server that starts; whatever is left of it is killed at the end of this block."""
    spend(Kind.SERVER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    scoring = ("--z-c", "<|vision_start|>", "--c-ref", "-18")
    flags = (*ENGINE_FLAGS, *scoring, "--kv-cache-memory-bytes", KV_CACHE_BYTES)
    arguments = ("serve", str(model.path), "--host", "127.0.0.1", "--port", str(port), *flags)
    process = start("laserve", *arguments, output=log, environment=ONE_THREAD)
    try:
        yield process
    finally:
        for one in family(process.pid):
            one.kill()


def wait_for(log: Path, line: str) -> None:
    deadline = time.monotonic() + 120
    while line not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def gone(processes: Sequence[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=GONE_S)[1]


IN_THE_SERVER = "log_version_and_model" and "non-default args"
LOADS = "Loading weights took"
"""Said in a worker, when the model is there and the caches are not."""
READY = "Starting vLLM server on"


@pytest.mark.parametrize("line", [IN_THE_SERVER, LOADS])
def test_sigterm_ends_a_start(tiny: TinyModel, tmp_path: Path, line: str) -> None:
    log = tmp_path / "server.log"
    with starting(tiny, log) as process:
        wait_for(log, line)
        processes = list(family(process.pid))
        process.terminate()
        assert process.wait(GONE_S) == 0
        assert gone(processes)
    assert "SIGTERM: the start is given up" in log.read_text()


def test_the_processes_of_an_engine_go_with_a_server_that_is_killed(
    tiny: TinyModel, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with starting(tiny, log) as process:
        wait_for(log, LOADS)
        processes = list(family(process.pid))
        process.kill()
        assert gone(processes)
