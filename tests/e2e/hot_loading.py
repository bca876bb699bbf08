"""Changing the checkpoint of a running server, and holding what it answers against Hugging Face."""

import json
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import httpx
from psutil import Process

from tests.bench.hot_load.loads import Target
from tests.bench.hot_load.memory import engines
from tests.bench.hot_load.references import References
from tests.e2e.cued_reload import begun, give_cue, waiting_for
from tests.e2e.server import Server, running_server

LOAD_LIMIT_S = 300.0
"""A second engine may need minutes on a busy machine; a rejection is noticed at once."""
ENDED = ("active", "rejected")


@dataclass(frozen=True)
class Sample:
    """A completion that was scored."""

    tokens: tuple[int, ...]
    """Of prompt and completion."""
    reward: dict[str, Any]


@dataclass(frozen=True)
class HotServer:
    """A server that loads checkpoints from below `root`."""

    server: Server
    root: Path
    staging: Path
    references: References

    @property
    def target(self) -> Target:
        """As the bench knows it."""
        return Target(self.server.base_url, self.server.model, self.server.pid, self.staging)

    @property
    def status(self) -> dict[str, Any]:
        """Of `GET /v1/checkpoints`."""
        answer = self.server.http.get("/v1/checkpoints")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def active(self) -> str:
        """The name of the checkpoint that is active."""
        name: str = self.status["active"]["checkpoint"]
        return name

    @property
    def copies(self) -> list[Path]:
        """The staged checkpoints."""
        return sorted(path for folder in self.staging.iterdir() for path in folder.iterdir())

    def post(self, folder: Path, strategy: str) -> str:
        """Ask for a load; returns its id."""
        body = {"path": str(folder), "strategy": strategy}
        return self._accepted("/v1/checkpoints", body)

    def post_rollback(self) -> str:
        """Ask for a rollback; returns its id."""
        return self._accepted("/v1/checkpoints/rollback", None)

    def job(self, identifier: str) -> dict[str, Any]:
        """What has become of a load."""
        answer = self.server.http.get(f"/v1/checkpoints/{identifier}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, identifier: str, *states: str) -> dict[str, Any]:
        """The job when it is in one of these states, or has ended."""
        deadline = time.monotonic() + LOAD_LIMIT_S
        while time.monotonic() < deadline:
            job = self.job(identifier)
            if job["state"] in (*states, *ENDED):
                return job
            time.sleep(0.02)
        raise AssertionError(f"{job} after {LOAD_LIMIT_S} s")

    def load(self, folder: Path, strategy: str = "in_place") -> dict[str, Any]:
        """Make a checkpoint active."""
        job = self.wait(self.post(folder, strategy))
        assert job["state"] == "active", job["reason"]
        return job

    def serve(self, name: str) -> None:
        """Have the checkpoint in this subfolder of `root` active."""
        if self.active != f"tiny-{name}":
            self.load(self.root / name)

    def second_engine(self, identifier: str, old: set[Process]) -> set[Process]:
        """The processes of the engine that a load starts beside `old`, as soon as there are any."""
        while not (new := engines(self.server.pid) - old):
            assert self.job(identifier)["state"] == "loading"
            time.sleep(0.02)
        return new

    def rejection(self, folder: Path, strategy: str = "in_place") -> str:
        """Why a checkpoint is rejected."""
        job = self.wait(self.post(folder, strategy))
        assert job["state"] == "rejected"
        reason: str = job["reason"]
        return reason

    def ask(self, checkpoint: str, seed: int = 0) -> list[Sample]:
        """Answers that `checkpoint` must give, with the scores that it must give them."""
        response = self.server.http.post(
            "/v1/chat/completions",
            json={
                "model": self.server.model,
                "messages": [{"role": "user", "content": "What is 12 + 7?"}],
                "n": 4,
                "seed": seed,
                "max_tokens": 200,
                "return_token_ids": True,
            },
        )
        assert response.status_code == 200, response.text
        assert response.headers["x-laserve-checkpoint"] == checkpoint
        answer = response.json()
        samples = []
        for choice in answer["choices"]:
            reward = choice["self_reward"]
            assert reward["checkpoint"] == checkpoint
            version = response.headers["x-laserve-checkpoint-version"]
            assert reward["checkpoint_version"] == int(version)
            assert reward["weights"] == response.headers["x-laserve-weights"]
            if choice["finish_reason"] == "stop":
                tokens = (*answer["prompt_token_ids"], *choice["token_ids"])
                assert reward["status"] == "scored"
                assert (defect := self.references.defect(reward, tokens)) is None, defect
                samples.append(Sample(tokens, reward))
        assert samples
        return samples

    def _accepted(self, path: str, body: dict[str, str] | None) -> str:
        answer = self.server.http.post(path, json=body)
        assert answer.status_code == 202, answer.text
        identifier: str = answer.json()["id"]
        assert answer.headers["location"] == f"/v1/checkpoints/{identifier}"
        return identifier


def same_as(before: list[Sample], now: list[Sample]) -> bool:
    """Whether these are the same texts with the same scores, up to the rounding of a batch."""
    return [sample.tokens for sample in before] == [sample.tokens for sample in now] and all(
        abs(old.reward["score"] - new.reward["score"]) < 1e-4
        for old, new in zip(before, now, strict=True)
    )


@contextmanager
def answered_throughout(hot: HotServer, *checkpoints: str) -> Iterator[None]:
    """Ask without a pause during this block; every request must be answered by one of these."""
    stop = Event()

    def ask() -> int:
        count = 0
        body = {"model": hot.server.model, "prompt": "x", "max_tokens": 8}
        with httpx.Client(base_url=hot.server.base_url, timeout=LOAD_LIMIT_S) as client:
            while not stop.is_set():
                answer = client.post("/v1/completions", json=body)
                assert answer.status_code == 200, answer.text
                assert answer.headers["x-laserve-checkpoint"] in checkpoints
                count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            yield
        finally:
            stop.set()
        assert asked.result() > 0


@contextmanager
def reloading(hot: HotServer, candidate: Path) -> Iterator[str]:
    """A load in place that is in the middle of its reload during this block; gives its id."""
    go_on = hot.root.parent / "go"
    for path in (go_on, begun(go_on)):
        path.unlink(missing_ok=True)
    give_cue(candidate, waiting_for(go_on))
    job = hot.post(candidate, "in_place")
    try:
        hot.server.wait_until(begun(go_on).exists, LOAD_LIMIT_S)
        yield job
    finally:
        go_on.touch()


class SlowReader:
    """A client that leaves an answer lying, of more than sockets hold, so that it stays under
    way."""

    CHOICES = 8
    _BODY: ClassVar[dict[str, Any]] = {
        "messages": [{"role": "user", "content": "What is 12 + 7?"}],
        "n": CHOICES,
        "seed": 1,
        "min_tokens": 700,
        "max_tokens": 1900,
        "logprobs": True,
        "top_logprobs": 20,
        "stream": True,
        "return_token_ids": True,
    }

    def __init__(self, response: httpx.Response) -> None:
        self.checkpoint = response.headers["x-laserve-checkpoint"]
        self._lines = response.iter_lines()
        self._data = [next(self._lines)]

    def read(self) -> list[Sample]:
        """Read it to its end."""
        self._data += self._lines
        prompt: list[int] = []
        tokens: list[list[int]] = [[] for _ in range(self.CHOICES)]
        rewards: list[dict[str, Any]] = [{} for _ in range(self.CHOICES)]
        assert self._data[-2:] == ["data: [DONE]", ""]
        for line in self._data:
            if not line.startswith("data: {"):
                continue
            event = json.loads(line.removeprefix("data: "))
            prompt = event.get("prompt_token_ids") or prompt
            for choice in event["choices"]:
                tokens[choice["index"]] += choice.get("token_ids") or []
                if choice["finish_reason"] is not None:
                    assert choice["finish_reason"] == "stop"
                    rewards[choice["index"]] = choice["self_reward"]
        return [
            Sample((*prompt, *own), reward) for own, reward in zip(tokens, rewards, strict=True)
        ]

    @classmethod
    @contextmanager
    def of(cls, hot: HotServer) -> Iterator["SlowReader"]:
        """Begin to stream."""
        few = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)]
        with (
            httpx.Client(
                base_url=hot.server.base_url,
                transport=httpx.HTTPTransport(socket_options=few),
                timeout=LOAD_LIMIT_S,
            ) as client,
            client.stream(
                "POST", "/v1/chat/completions", json={"model": hot.server.model, **cls._BODY}
            ) as response,
        ):
            assert response.status_code == 200
            yield cls(response)


@contextmanager
def running_hot_server(
    root: Path, names: Sequence[str], *flags: str, installed: bool = False
) -> Iterator[HotServer]:
    """Serve the first of these subfolders of `root`; others may be loaded from there.

    The scores that they must give are known of all `names`.
    """
    staging = root.parent / "staging"
    with running_server(
        root / names[0],
        root.parent / "server.log",
        *("--dtype", "float32", "--enforce-eager"),
        *("--checkpoint-root", str(root), "--checkpoint-staging", str(staging)),
        *("--worker-extension-cls", "tests.e2e.cued_reload.CuedReloadExtension"),
        *flags,
        installed=installed,
    ) as server:
        yield HotServer(server, root, staging, References(root / name for name in names))
