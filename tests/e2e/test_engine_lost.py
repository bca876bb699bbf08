"""An engine that hangs, and one that dies: seen, told to those who wait, and replaced, unless it is
one of several."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from psutil import Process, wait_procs

from laserve.processes import is_gone
from tests.bench.hot_load.memory import engines, family, workers
from tests.bench.hot_load.references import References
from tests.e2e.conftest import ENGINE_FLAGS
from tests.e2e.every_request import ASKED, Asking, check_errors, check_refuses, suspended
from tests.e2e.hot_loading import HotServer, Sample, running_hot_server, same_as
from tests.e2e.server import Server, running_server
from tests.tiny_checkpoints.build import build_checkpoint

LIMIT_S = 300.0
"""For the start of an engine on a busy machine."""
DIED = "the engine died while it worked on this"
PROCESSES = pytest.mark.parametrize("processes", [engines, workers])


def wait_for_health(server: Server, status: int) -> None:
    server.wait_until(lambda: server.http.get("/health").status_code == status, LIMIT_S)


@PROCESSES
def test_a_server_whose_engine_hangs_is_not_ready_until_it_goes_on(
    at_a: HotServer, processes: Callable[[int], set[Process]]
) -> None:
    server = at_a.server
    with suspended(processes(server.pid)):
        asking = Asking(server, half=False)
        wait_for_health(server, 503)
        assert server.metric("laserve_unready", reason="hung") == 1
    for kind, answer in asking.answers().items():
        assert answer.status_code == 200, (kind, answer.text)
        assert "error" not in answer.text
    wait_for_health(server, 200)
    assert server.metric("laserve_unready") == 0
    log = server.log.read_text()
    assert "the engine has made no step for" in log
    assert "the engine goes on" in log


@PROCESSES
def test_an_engine_that_dies_is_replaced_by_another_one_with_the_same_checkpoint(
    at_a: HotServer, before: list[Sample], processes: Callable[[int], set[Process]]
) -> None:
    server = at_a.server
    active, restarts = at_a.status["active"], server.metric("laserve_engine_restarts_total")
    old = engines(server.pid) | workers(server.pid)
    killed = processes(server.pid)
    with suspended(killed):
        body = {"model": server.model, "input": "x", "background": True}
        later = server.http.post("/v1/responses", json=body).json()
        asking = Asking(server, half=False)
        for process in killed:
            process.kill()
        check_errors(asking.answers(), DIED)
    polled = server.http.get(f"/v1/responses/{later['id']}").json()
    assert (later["status"], polled["status"]) == ("queued", "failed")
    assert DIED in polled["error"]["message"]
    # It is seen a moment later.
    server.wait_until(lambda: server.metric("laserve_unready", reason="restarting") == 1, LIMIT_S)
    check_refuses(server, "is being started again")
    wait_for_health(server, 200)
    assert all(map(is_gone, old))
    assert len(engines(server.pid)) == 1
    assert same_as(before, at_a.ask("tiny-a"))
    assert at_a.status["active"] == {**active, "version": active["version"] + 1}
    assert server.metric("laserve_engine_restarts_total", outcome="active") == restarts + 1


def test_an_engine_that_dies_while_another_one_is_loaded_makes_way_for_that_one(
    at_a: HotServer,
) -> None:
    server = at_a.server
    old, restarts = engines(server.pid), server.metric("laserve_engine_restarts_total")
    job = at_a.wait(at_a.post(at_a.root / "b", "side_by_side"), "loading")
    at_a.second_engine(job["id"], old)
    for process in old:
        process.kill()
    assert at_a.wait(job["id"])["state"] == "active"
    wait_for_health(server, 200)
    at_a.ask("tiny-b")
    assert server.metric("laserve_engine_restarts_total") == restarts


def test_an_engine_is_replaced_where_no_other_checkpoints_are_loaded_too(server: Server) -> None:
    """Its constants are from flags, its adapter from another one."""
    for process in engines(server.pid):
        process.kill()
    wait_for_health(server, 503)
    wait_for_health(server, 200)
    for model in (server.model, "tiny-lora"):
        answer = server.client.completions.create(
            model=model, prompt="x", max_tokens=8, extra_body={"min_tokens": 8}
        )
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 8


def test_at_the_limit_of_restarts_the_server_ends_with_a_status_that_says_so(
    tmp_path: Path,
) -> None:
    root = tmp_path / "candidates"
    build_checkpoint(root / "a", name="tiny-a")
    with running_hot_server(root, ["a"], "--engine-restarts", "1") as hot:
        pid = hot.server.pid
        for engine in engines(pid):
            engine.kill()
        wait_for_health(hot.server, 503)
        wait_for_health(hot.server, 200)
        hot.ask("tiny-a")
        process, processes, killed = Process(pid), list(family(pid)), engines(pid)
        with suspended(killed):
            asking = Asking(hot.server, half=False)
            for engine in killed:
                engine.kill()
            check_errors(asking.answers(), DIED)
        assert process.wait(LIMIT_S) == 1
        assert not wait_procs(processes, timeout=LIMIT_S)[1]
        assert list(hot.staging.iterdir()) == []


def check_scores_of_each(hot: HotServer) -> None:
    """By each engine, while the other one is stopped."""
    both = sorted(engines(hot.server.pid), key=lambda engine: "".join(engine.cmdline()))
    assert len(both) == 2
    for rank, other in enumerate(reversed(both)):
        hot.server.http.headers["x-data-parallel-rank"] = str(rank)
        with suspended([other]):
            hot.ask("tiny-a", seed=rank)
    del hot.server.http.headers["x-data-parallel-rank"]


def ask(server: Server, kind: str) -> httpx.Response | None:
    """What is answered; None where the connection breaks."""
    path, body = ASKED[kind]
    try:
        return httpx.post(f"{server.base_url}{path}", json=body, timeout=LIMIT_S)
    except httpx.TransportError:
        return None


def test_each_engine_scores_and_where_one_dies_the_server_ends_with_a_status_that_says_so(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a"
    build_checkpoint(folder, name="tiny-a")
    two = ("--data-parallel-size", "2")
    with running_server(folder, tmp_path / "server.log", *ENGINE_FLAGS, *two) as server:
        check_scores_of_each(HotServer(server, tmp_path, tmp_path, References([folder])))
        process, processes = Process(server.pid), list(family(server.pid))
        both = engines(server.pid)
        with ThreadPoolExecutor() as pool, suspended(both):
            asked = {kind: pool.submit(ask, server, kind) for kind in ASKED}
            next(iter(both)).kill()
            answers = {kind: future.result() for kind, future in asked.items()}
        told = {kind: answer for kind, answer in answers.items() if answer is not None}
        check_errors(told, "the engine")
        assert process.wait(LIMIT_S) == 1
        assert not wait_procs(processes, timeout=LIMIT_S)[1]
