"""Signals at every phase of a server's life: what is answered, and that nothing of it stays."""

import signal
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from laserve.processes import is_gone
from tests.bench.hot_load.memory import engines, family
from tests.budget import Kind, spend
from tests.e2e.conftest import ENGINE_FLAGS
from tests.e2e.every_request import (
    CHAT,
    IN_FLIGHT,
    Asking,
    check_answers,
    check_errors,
    check_refuses,
    suspended,
)
from tests.e2e.hot_loading import HotServer, reloading, running_hot_server
from tests.e2e.server import KV_CACHE_BYTES
from tests.fork_server import ONE_THREAD, start
from tests.tiny_checkpoints.build import build_checkpoint
from tests.tiny_model import TinyModel

GONE_S = 40.0
"""For what takes a second on a machine that has nothing else to do."""


@contextmanager
def starting(model: TinyModel, log: Path, *more: str) -> Iterator[psutil.Process]:
    """A server that starts; whatever is left of it is killed at the end of this block."""
    spend(Kind.SERVER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    scoring = ("--z-c", "<|vision_start|>", "--c-ref", "-18")
    flags = (*ENGINE_FLAGS, *scoring, "--kv-cache-memory-bytes", KV_CACHE_BYTES, *more)
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


IN_THE_SERVER = "non-default args"
"""Said before the engine is started."""
LOADS = "Loading weights took"
"""Said in a worker, when the model is there and the caches are not."""


def test_the_processes_of_a_server_that_is_killed_as_it_starts_go_with_it(
    tiny: TinyModel, tmp_path: Path
) -> None:
    """Of two engines, with what vLLM has coordinate them."""
    log = tmp_path / "server.log"
    with starting(tiny, log, "--data-parallel-size", "2") as process:
        wait_for(log, LOADS)
        processes = list(family(process.pid))
        assert len(engines(process.pid)) == 2
        process.kill()
        assert gone(processes)


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


PATIENCE_S = 3


@contextmanager
def one_hot_server(folder: Path, *flags: str) -> Iterator[HotServer]:
    root = folder / "candidates"
    build_checkpoint(root / "a", name="tiny-a")
    with running_hot_server(root, ["a"], *flags) as hot:
        yield hot


def test_what_does_not_end_in_time_ends_with_an_error_also_of_an_engine_that_hangs(
    tmp_path: Path,
) -> None:
    with one_hot_server(tmp_path, "--shutdown-timeout", str(PATIENCE_S)) as hot:
        process = psutil.Process(hot.server.pid)
        processes = list(family(hot.server.pid))
        with suspended(engines(hot.server.pid)):
            asking = Asking(hot.server, half=True)
            process.terminate()
            began = time.monotonic()
            wait_for(hot.server.log, "stopping: what runs has up to 3 s")
            check_refuses(hot.server, "the server is being stopped")
            assert hot.server.http.post("/v1/checkpoints/rollback").status_code == 503
            check_errors(asking.answers(), "the server is being stopped")
            assert time.monotonic() - began >= PATIENCE_S
            assert asking.answer_to_half().startswith(b"HTTP/1.1 503 ")
            assert process.wait(GONE_S) == 0
            assert gone(processes)
        assert list(hot.staging.iterdir()) == []


def tell_to_stop(hot: HotServer, number: int = signal.SIGTERM) -> psutil.Process:
    """Returns the server when it has seen the signal."""
    process = psutil.Process(hot.server.pid)
    process.send_signal(number)
    wait_for(hot.server.log, "stopping: what runs has up to 25 s")
    check_refuses(hot.server, "the server is being stopped")
    return process


def test_what_runs_is_answered_before_a_server_stops_and_a_load_side_by_side_is_given_up(
    tmp_path: Path,
) -> None:
    """Interrupted, as from a keyboard."""
    with one_hot_server(tmp_path) as hot:
        old = engines(hot.server.pid)
        build_checkpoint(hot.root / "b", seed=1, name="tiny-b")
        job = hot.wait(hot.post(hot.root / "b", "side_by_side"), "loading")
        second = hot.second_engine(job["id"], old)
        with suspended(old), suspended(second):
            asking = Asking(hot.server, half=False)
            processes = list(family(hot.server.pid))
            process = tell_to_stop(hot, signal.SIGINT)
            hot.server.wait_until(lambda: all(map(is_gone, second)))
            for engine in old:
                engine.resume()
            check_answers(asking.answers(), "tiny-a")
        assert process.wait(GONE_S) == 0
        assert gone(processes)
        assert list(hot.staging.iterdir()) == []


def test_what_runs_in_an_engine_that_drains_is_answered_before_a_server_stops(
    tmp_path: Path,
) -> None:
    with one_hot_server(tmp_path) as hot:
        old = engines(hot.server.pid)
        build_checkpoint(hot.root / "b", seed=1, name="tiny-b")
        with suspended(old):
            asking = Asking(hot.server, half=False)
            hot.load(hot.root / "b", "side_by_side")
            new = engines(hot.server.pid) - old
            with suspended(new):
                asking_new = Asking(hot.server, half=False)
                processes = list(family(hot.server.pid))
                process = tell_to_stop(hot)
                for engine in (*old, *new):
                    engine.resume()
                check_answers(asking.answers(), "tiny-a")
                check_answers(asking_new.answers(), "tiny-b")
        assert process.wait(GONE_S) == 0
        assert gone(processes)
        assert list(hot.staging.iterdir()) == []


def test_a_second_signal_ends_a_server_at_once(tmp_path: Path) -> None:
    with one_hot_server(tmp_path) as hot:
        processes = list(family(hot.server.pid))
        with suspended(engines(hot.server.pid)), ThreadPoolExecutor() as pool:
            asked = pool.submit(hot.ask, "tiny-a")
            hot.server.wait_until(lambda: hot.server.metric(IN_FLIGHT) >= 1)
            process = tell_to_stop(hot)
            process.terminate()
            assert process.wait(GONE_S) == 0
            assert gone(processes)
            with pytest.raises(httpx.TransportError):
                asked.result()
        assert list(hot.staging.iterdir()) == []


def test_a_load_in_place_is_given_up_and_who_waits_for_it_is_told(tmp_path: Path) -> None:
    with one_hot_server(tmp_path) as hot:
        process = psutil.Process(hot.server.pid)
        processes = list(family(hot.server.pid))
        build_checkpoint(hot.root / "b", seed=1, name="tiny-b")
        with reloading(hot, hot.root / "b"), ThreadPoolExecutor() as pool:
            held = pool.submit(hot.server.http.post, "/v1/chat/completions", json=CHAT)
            time.sleep(1.0)  # nothing tells of a request that is held up
            process.terminate()
            check_errors({"chat": held.result()}, "the server is being stopped")
            assert process.wait(GONE_S) == 0
            assert gone(processes)
        assert list(hot.staging.iterdir()) == []


def test_the_processes_of_a_server_that_is_killed_go_with_it_and_its_copies_with_the_next_start(
    tmp_path: Path,
) -> None:
    with one_hot_server(tmp_path) as hot:
        build_checkpoint(hot.root / "b", seed=1, name="tiny-b")
        old = engines(hot.server.pid)
        job = hot.wait(hot.post(hot.root / "b", "side_by_side"), "loading")
        hot.second_engine(job["id"], old)
        with suspended(old):
            asking = Asking(hot.server, half=False)
            processes = list(family(hot.server.pid))
            psutil.Process(hot.server.pid).kill()
        assert gone(processes)
        with pytest.raises(httpx.TransportError):
            asking.answers()
        left = list(hot.staging.iterdir())
        assert len(left) == 1
    with running_hot_server(hot.root, ["a"]) as again:
        assert len(list(again.staging.iterdir())) == 1
        assert not left[0].exists()
        again.ask("tiny-a")
    assert list(hot.staging.iterdir()) == []
