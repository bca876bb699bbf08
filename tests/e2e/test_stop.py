"""SIGTERM at every phase of a server's life: what is asked of it, and that nothing of it stays."""

import json
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
from tests.checkpoints import build_checkpoint
from tests.e2e.conftest import ENGINE_FLAGS
from tests.e2e.cued_reload import give_cue, waiting_for
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


IN_THE_SERVER = "non-default args"
"""Said before the engine is started."""
LOADS = "Loading weights took"
"""Said in a worker, when the model is there and the caches are not."""


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


PATIENCE_S = 3
QUESTION = [{"role": "user", "content": "What is 12 + 7?"}]
CHAT = {"model": "tiny", "messages": QUESTION, "max_tokens": 64}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", CHAT),
    "chat, n": ("/v1/chat/completions", {**CHAT, "n": 3}),
    "chat, stream": ("/v1/chat/completions", {**CHAT, "stream": True}),
    "chat, unscored stream": (
        "/v1/chat/completions",
        {**CHAT, "stream": True, "self_reward": False},
    ),
    "selection": ("/v1/chat/completions", {**CHAT, "selection": {"n_max": 4}}),
    "selection, stream": (
        "/v1/chat/completions",
        {**CHAT, "stream": True, "selection": {"n_max": 4}},
    ),
    "completion": ("/v1/completions", {"model": "tiny", "prompt": "x"}),
    "completion, stream": ("/v1/completions", {"model": "tiny", "prompt": "x", "stream": True}),
    "message": ("/v1/messages", CHAT),
    "message, stream": ("/v1/messages", {**CHAT, "stream": True}),
    "response": ("/v1/responses", {"model": "tiny", "input": "x"}),
    "response, stream": ("/v1/responses", {"model": "tiny", "input": "x", "stream": True}),
    "given text": (
        "/v1/self_reward",
        {"model": "tiny", "messages": QUESTION, "completions": ["19", "20"]},
    ),
}
"""One request of each kind that generates."""


class Asking:
    """Requests of every kind, and one that never sends its body, under way at once."""

    def __init__(self, server: Server) -> None:
        self._pool = ThreadPoolExecutor(len(ASKED))
        self._answers = {
            kind: self._pool.submit(httpx.post, f"{server.base_url}{path}", json=body, timeout=90)
            for kind, (path, body) in ASKED.items()
        }
        address = httpx.URL(server.base_url)
        self._half = socket.create_connection((address.host, address.port or 0), timeout=90)
        head = "POST /v1/completions HTTP/1.1\r\nHost: laserve\r\nContent-Length: 99\r\n"
        self._half.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
        deadline = time.monotonic() + 60
        in_flight = "laserve_checkpoint_requests_in_flight"
        while server.metric(in_flight) < len(ASKED) + 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def answers(self) -> dict[str, httpx.Response]:
        """Each, when it is whole."""
        found = {kind: future.result() for kind, future in self._answers.items()}
        self._pool.shutdown()
        return found

    def answer_to_half(self) -> bytes:
        """What the one without a body is answered."""
        with self._half, self._half.makefile("rb") as file:
            return file.read()


def check_errors(answers: dict[str, httpx.Response], message: str) -> None:
    """Each says, in the shape of its route, that it may be sent again."""
    for kind, answer in answers.items():
        text = answer.text
        if "stream" in kind:
            assert answer.status_code == 200, (kind, text)
            events = [part for part in text.split("\n\n") if part]
            if ASKED[kind][0] == "/v1/messages":
                name, data = events[-1].split("\n")
                assert name == "event: error", (kind, text)
                error = json.loads(data.removeprefix("data: "))["error"]
                assert error["type"] == "overloaded_error", (kind, text)
            elif ASKED[kind][0] == "/v1/responses":
                name, data = events[-1].split("\n")
                assert name == "event: error", (kind, text)
                error = json.loads(data.removeprefix("data: "))
                assert error["code"] == "ServiceUnavailableError", (kind, text)
            else:
                assert events[-1] == "data: [DONE]", (kind, text)
                error = json.loads(events[-2].removeprefix("data: "))["error"]
                assert (error["type"], error["code"]) == ("ServiceUnavailableError", 503)
        else:
            assert answer.status_code == 503, (kind, text)
            assert int(answer.headers["retry-after"]) > 0
            error = answer.json()["error"]
            is_anthropics = ASKED[kind][0] == "/v1/messages"
            expected = "overloaded_error" if is_anthropics else "ServiceUnavailableError"
            assert error["type"] == expected, (kind, text)
        assert message in error["message"], (kind, text)


def check_refuses(server: Server, message: str) -> None:
    """Not ready, and each new request is told so."""
    assert server.http.get("/health").status_code == 503
    assert server.http.get("/metrics").status_code == 200
    plain = ("chat", "completion", "message", "response", "given text")
    refused = {kind: server.http.post(path, json=body) for kind, (path, body) in ASKED.items()}
    check_errors({kind: refused[kind] for kind in plain}, message)
    assert {answer.status_code for answer in refused.values()} == {503}


@contextmanager
def suspended(processes: set[psutil.Process]) -> Iterator[None]:
    """Stopped in this block, as a process that hangs is."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.resume()


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
            asking = Asking(hot.server)
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


def test_what_runs_is_answered_before_a_server_stops(tmp_path: Path) -> None:
    with one_hot_server(tmp_path) as hot:
        process = psutil.Process(hot.server.pid)
        processes = list(family(hot.server.pid))
        with suspended(engines(hot.server.pid)), ThreadPoolExecutor() as pool:
            answer = pool.submit(hot.ask, "tiny-a")
            while hot.server.metric("laserve_checkpoint_requests_in_flight") < 1:
                time.sleep(0.05)
            process.terminate()
            wait_for(hot.server.log, "stopping: what runs has up to 25 s")
            check_refuses(hot.server, "the server is being stopped")
            for engine in engines(hot.server.pid):
                engine.resume()
            assert answer.result()
        assert process.wait(GONE_S) == 0
        assert gone(processes)


def test_a_second_signal_ends_a_server_at_once(tmp_path: Path) -> None:
    with one_hot_server(tmp_path) as hot:
        process = psutil.Process(hot.server.pid)
        processes = list(family(hot.server.pid))
        with suspended(engines(hot.server.pid)), ThreadPoolExecutor() as pool:
            asked = pool.submit(hot.ask, "tiny-a")
            while hot.server.metric("laserve_checkpoint_requests_in_flight") < 1:
                time.sleep(0.05)
            process.terminate()
            wait_for(hot.server.log, "stopping: what runs has up to 25 s")
            began = time.monotonic()
            process.terminate()
            assert process.wait(GONE_S) == 0
            assert time.monotonic() - began < GONE_S
            assert gone(processes)
            with pytest.raises(httpx.TransportError):
                asked.result()
        assert list(hot.staging.iterdir()) == []


def test_a_load_in_place_is_given_up_and_who_waits_for_it_is_told(tmp_path: Path) -> None:
    with one_hot_server(tmp_path) as hot:
        process = psutil.Process(hot.server.pid)
        processes = list(family(hot.server.pid))
        build_checkpoint(hot.root / "b", seed=1, name="tiny-b")
        give_cue(hot.root / "b", waiting_for(tmp_path / "never"))
        assert hot.wait(hot.post(hot.root / "b", "in_place"), "loading")["state"] == "loading"
        with ThreadPoolExecutor() as pool:
            held = pool.submit(hot.server.http.post, "/v1/chat/completions", json=CHAT)
            time.sleep(1.0)  # nothing tells of a request that is held up
            process.terminate()
            check_errors({"chat": held.result()}, "the server is being stopped")
        assert process.wait(GONE_S) == 0
        assert gone(processes)
        assert list(hot.staging.iterdir()) == []
