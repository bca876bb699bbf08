"""Tied embeddings are replaced in place, LoRA adapters are checkpoints, and no load in place holds
anybody up for longer than the server's patience."""

import json
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from laserve.core.checkpoint_files import hash_files
from laserve.core.manifest import read_manifest, write_manifest
from laserve.processes import is_gone
from tests.bench.hot_load.memory import engines
from tests.e2e.conftest import RESTARTS
from tests.e2e.cued_reload import PLAIN, give_cue
from tests.e2e.every_request import suspended
from tests.e2e.hot_loading import LOAD_LIMIT_S, HotServer, reloading, running_hot_server, same_as
from tests.tiny_checkpoints.build import describe
from tests.tiny_lora import build_tiny_lora
from tests.tiny_tied import build_tiny_tied_model

PATIENCE_S = 4.0
ENGINE_LIMIT_S = 12.0
"""Longer than an engine takes to start, but on a busy machine: it is tried again there."""
MESSAGES = [{"role": "user", "content": "What is 12 + 7?"}]


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HotServer]:
    """Serves `a`, whose embeddings are its output layer; beside it `b`, and an adapter of `a`,
    which is to amount to `merged`."""
    root = tmp_path_factory.mktemp("tied") / "candidates"
    for seed, name in enumerate(("a", "b")):
        describe(root / name, build_tiny_tied_model(root / name, seed=seed), f"tied-{name}")
    merged = build_tiny_tied_model(root / "merged")
    build_tiny_lora(root / "a", root / "adapter").save_pretrained(merged.path)
    describe(merged.path, merged, "tied-adapter")
    manifest = read_manifest(merged.path)
    assert manifest is not None
    own = manifest.model_copy(update={"files": hash_files(root / "adapter")})
    write_manifest(root / "adapter", own)
    with running_hot_server(
        root,
        ("a", "b", "merged"),
        *("--enable-lora", "--max-lora-rank", "8"),
        *("--load-patience", str(PATIENCE_S), "--engine-timeout-s", str(ENGINE_LIMIT_S)),
        *("--engine-restarts", str(RESTARTS)),
    ) as running:
        yield running


def test_tied_embeddings_are_replaced_in_place(tied: HotServer) -> None:
    for name in ("b", "a"):
        tied.load(tied.root / name)
        tied.ask(f"tied-{name}")


def test_what_vllms_own_reload_makes_of_tied_embeddings_is_caught_and_undone(
    tied: HotServer,
) -> None:
    tied.load(tied.root / "a")
    before = tied.ask("tied-a")
    wrong = give_cue(shutil.copytree(tied.root / "b", tied.root / "wrong"), PLAIN)
    reason = tied.rejection(wrong)
    assert "the weights in the engine are not those of the files: 'lm_head.weight'" in reason
    assert same_as(before, tied.ask("tied-a"))


def test_an_adapter_answers_for_the_model_until_it_is_rolled_back(tied: HotServer) -> None:
    tied.load(tied.root / "a")
    tied.load(tied.root / "adapter")
    tied.ask("tied-adapter")
    for expected in ("tied-a", "tied-adapter"):
        job = tied.wait(tied.post_rollback())
        assert (job["state"], job["checkpoint"]) == ("active", expected)
        tied.ask(expected)
    tied.load(tied.root / "b")
    tied.ask("tied-b")


def test_an_adapter_of_other_weights_is_rejected(tied: HotServer) -> None:
    tied.load(tied.root / "b")
    assert "golden probe 0" in tied.rejection(tied.root / "adapter")
    tied.ask("tied-b")


def select_slowly(hot: HotServer) -> httpx.Response:
    """One request that draws its samples one after the other, for longer than any load waits."""
    body: dict[str, Any] = {
        "model": hot.server.model,
        "messages": MESSAGES,
        "max_tokens": 400,
        "ignore_eos": True,
        "selection": {"method": "majority", "n_max": 32, "n_parallel": 1, "adaptive": False},
    }
    return hot.server.http.post("/v1/chat/completions", json=body, timeout=300)


def test_a_load_gives_up_where_a_request_runs_for_longer_than_its_patience(tied: HotServer) -> None:
    tied.load(tied.root / "a")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(select_slowly, tied)
        while not tied.status["active"]["requests_in_flight"]:
            time.sleep(0.02)
        job = tied.post(tied.root / "b", "in_place")
        assert tied.wait(job, "loading")["state"] == "loading"
        begin = time.monotonic()
        question = {"model": tied.server.model, "messages": MESSAGES, "max_tokens": 4}
        held = pool.submit(tied.server.http.post, "/v1/chat/completions", json=question)
        assert "1 requests had not ended after 4 s" in tied.wait(job)["reason"]
        # It began to wait a little later than the load: answered then, or told to ask again.
        assert held.result().status_code in (200, 503)
        waited = time.monotonic() - begin
        forced = tied.server.http.post(
            "/v1/checkpoints",
            json={"path": str(tied.root / "b"), "strategy": "in_place", "force": True},
        ).json()["id"]
        assert tied.wait(forced)["state"] == "active"
        ended = slow.result()
    # The answer itself takes well below a second.
    assert waited >= PATIENCE_S - 1
    assert ended.status_code == 503
    assert ended.headers["retry-after"] == "5"
    assert "a checkpoint is being loaded in place" in ended.json()["error"]["message"]
    tied.ask("tied-b")


def test_an_engine_that_is_stopped_in_a_load_in_place_is_ended_at_its_limit_and_who_waits_is_told(
    tied: HotServer,
) -> None:
    tied.load(tied.root / "a")
    before, pid = tied.ask("tied-a"), tied.server.pid
    old = engines(pid)
    candidate = shutil.copytree(tied.root / "b", tied.root / "stopped")
    with reloading(tied, candidate) as job, suspended(old):
        question = {"model": tied.server.model, "messages": MESSAGES, "max_tokens": 4}
        refused = tied.server.http.post("/v1/chat/completions", json=question)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert "a checkpoint is being loaded in place" in refused.json()["error"]["message"]
        assert "after 12 s (--engine-timeout-s): ended" in tied.wait(job)["reason"]
        assert all(map(is_gone, old))
    tied.server.wait_until(lambda: tied.server.http.get("/health").is_success, LOAD_LIMIT_S)
    assert same_as(before, tied.ask("tied-a"))
    assert len(engines(pid)) == 1
    assert len(tied.copies) <= 2


def test_a_second_engine_that_is_stopped_is_ended_at_its_limit(tied: HotServer) -> None:
    tied.load(tied.root / "a")
    before, pid = tied.ask("tied-a"), tied.server.pid
    old = engines(pid)
    job = tied.wait(tied.post(tied.root / "b", "side_by_side"), "loading")["id"]
    with suspended(second := tied.second_engine(job, old)):
        reason = tied.wait(job)["reason"]
        assert "was not started and proven after 12 s (--engine-timeout-s): ended" in reason
        assert all(map(is_gone, second))
    assert engines(pid) == old
    assert same_as(before, tied.ask("tied-a"))
    assert len(tied.copies) <= 2


def test_a_request_that_is_still_being_sent_holds_no_load_up(tied: HotServer) -> None:
    tied.load(tied.root / "a")
    url = httpx.URL(tied.server.base_url)
    question = {"messages": MESSAGES, "max_tokens": 4, "model": tied.server.model}
    body = json.dumps(question).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with closing(socket.create_connection((url.host, url.port or 80))) as half_sent:
        half_sent.sendall(head.encode() + body[:20])
        time.sleep(0.5)
        job = tied.wait(tied.post(tied.root / "b", "in_place"))
        assert job["state"] == "active", job["reason"]
        half_sent.sendall(body[20:])
        answer = b"".join(iter(lambda: half_sent.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"x-laserve-checkpoint: tied-b" in answer
