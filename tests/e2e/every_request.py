"""Requests of every kind, under way at once, and what they are told where they are withdrawn."""

import json
import re
import socket
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import psutil

from tests.e2e.server import Server

IN_FLIGHT = "laserve_checkpoint_requests_in_flight"

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
        {"model": "tiny", "messages": QUESTION, "completion": ["19", "20"]},
    ),
}
"""One request of each kind that generates."""


class Asking:
    """Requests of every kind under way at once, and with ``half`` one that never sends all of its
    body."""

    def __init__(self, server: Server, *, half: bool) -> None:
        before = server.metric(IN_FLIGHT)
        self._pool = ThreadPoolExecutor(len(ASKED))
        self._answers = {
            kind: self._pool.submit(httpx.post, f"{server.base_url}{path}", json=body, timeout=90)
            for kind, (path, body) in ASKED.items()
        }
        self._half = _half_a_request(server) if half else None
        server.wait_until(lambda: server.metric(IN_FLIGHT) >= before + len(ASKED))
        if half:
            time.sleep(1.0)  # nothing tells of a request that is still being sent

    def answers(self) -> dict[str, httpx.Response]:
        """Each, when it is whole."""
        found = {kind: future.result() for kind, future in self._answers.items()}
        self._pool.shutdown()
        return found

    def answer_to_half(self) -> bytes:
        """What the one without a body is answered."""
        assert self._half is not None
        with self._half, self._half.makefile("rb") as file:
            return file.read()


def _half_a_request(server: Server) -> socket.socket:
    address = httpx.URL(server.base_url)
    connection = socket.create_connection((address.host, address.port or 0), timeout=90)
    head = "POST /v1/completions HTTP/1.1\r\nHost: laserve\r\nContent-Length: 99\r\n"
    connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
    return connection


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
                numbers = [int(number) for number in re.findall(r'"sequence_number":(\d+)', text)]
                assert numbers == list(range(len(events))), (kind, text)
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


def check_answers(answers: dict[str, httpx.Response], checkpoint: str) -> None:
    """Each is whole, and of this checkpoint."""
    for kind, answer in answers.items():
        assert answer.status_code == 200, (kind, answer.text)
        assert answer.headers["x-laserve-checkpoint"] == checkpoint, kind
        if "stream" not in kind:
            continue
        end = {
            "/v1/messages": "event: message_stop",
            "/v1/responses": "event: response.completed",
        }.get(ASKED[kind][0], "data: [DONE]")
        events = [part for part in answer.text.split("\n\n") if part]
        assert events[-1].startswith(end), (kind, answer.text)
        assert '"error":{' not in answer.text.replace(" ", ""), (kind, answer.text)


def check_refuses(server: Server, message: str) -> None:
    """Not ready, and each new request is told so."""
    assert server.http.get("/health").status_code == 503
    assert server.http.get("/metrics").status_code == 200
    plain = ("chat", "completion", "message", "response", "given text")
    refused = {kind: server.http.post(path, json=body) for kind, (path, body) in ASKED.items()}
    check_errors({kind: refused[kind] for kind in plain}, message)
    assert {answer.status_code for answer in refused.values()} == {503}


@contextmanager
def suspended(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Stopped in this block, as a process that hangs is."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.resume()
