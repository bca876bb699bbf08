"""What becomes of a server when one of its processes is stopped for a while or killed, under
requests and in the middle of a load side by side. The engine that serves: `test_engine_lost`."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psutil

from tests.bench.hot_load.memory import engines, workers
from tests.e2e.every_request import Asking, suspended
from tests.e2e.hot_loading import HotServer, Sample, answered_throughout, same_as

STOPPED_S = 7.0
"""Longer than the server's --hung-after-s."""


def loading(hot: HotServer) -> str:
    """The id of a load of `b` side by side that has begun to start its engine."""
    job = hot.wait(hot.post(hot.root / "b", "side_by_side"), "loading")
    assert job["state"] == "loading"
    identifier: str = job["id"]
    return identifier


def test_a_server_that_is_stopped_for_a_while_goes_on_and_finds_no_engine_hung(
    at_a: HotServer,
) -> None:
    server = at_a.server
    with suspended(engines(server.pid)):
        asking = Asking(server, half=False)
        process = psutil.Process(server.pid)
    with suspended([process]):
        time.sleep(STOPPED_S)
    for kind, answer in asking.answers().items():
        assert answer.status_code == 200, (kind, answer.text)
        assert "error" not in answer.text
    assert server.http.get("/health").status_code == 200


def test_a_second_engine_that_is_stopped_holds_up_its_load_alone(
    at_a: HotServer, before: list[Sample]
) -> None:
    pid = at_a.server.pid
    old = engines(pid) | workers(pid)
    with answered_throughout(at_a, "tiny-a", "tiny-b"):
        job = loading(at_a)
        with suspended(at_a.second_engine(job, engines(pid) & old)):
            time.sleep(STOPPED_S)
            assert at_a.job(job)["state"] == "loading"
            assert at_a.server.http.get("/health").status_code == 200
            assert same_as(before, at_a.ask("tiny-a"))
        assert at_a.wait(job)["state"] == "active"
    at_a.ask("tiny-b")


def test_a_load_side_by_side_goes_on_while_the_first_engine_is_stopped_and_waits_for_its_requests(
    at_a: HotServer,
) -> None:
    pid = at_a.server.pid
    old = engines(pid)
    job = loading(at_a)
    at_a.second_engine(job, old)
    with ThreadPoolExecutor() as pool, suspended(old):
        asked = pool.submit(at_a.ask, "tiny-a")
        assert at_a.wait(job)["state"] == "active"
        at_a.ask("tiny-b")
        assert not asked.done()
        for engine in old:
            engine.resume()
        assert asked.result()
    _, alive = psutil.wait_procs(old, timeout=60)
    assert not alive
    at_a.ask("tiny-b")


def test_a_worker_of_a_second_engine_that_is_killed_is_a_rejection(
    at_a: HotServer, before: list[Sample]
) -> None:
    pid = at_a.server.pid
    old, old_workers = engines(pid), workers(pid)
    with answered_throughout(at_a, "tiny-a"):
        job = loading(at_a)
        while not (new := workers(pid) - old_workers):
            assert at_a.job(job)["state"] == "loading"
            time.sleep(0.02)
        for process in new:
            process.kill()
        assert "no engine started with it" in at_a.wait(job)["reason"]
        assert same_as(before, at_a.ask("tiny-a"))
    assert engines(pid) == old


SELECTIONS = 4


def select(hot: HotServer, seed: int) -> dict[str, Any]:
    """How an answer was chosen among samples that are compared as mathematics."""
    body = {
        "model": hot.server.model,
        "messages": [{"role": "user", "content": "What is 12 + 7?"}],
        "max_tokens": 200,
        "seed": seed,
        "selection": {"n_max": 4, "equality": "math", "adaptive": False},
    }
    answer = hot.server.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["selection"]
    return found


def check_selects_without(hot: HotServer, equality: Sequence[psutil.Process]) -> None:
    """While the processes that work out mathematical answers are stopped, and when they have been
    killed, the same answers have the same votes, and what was compared as text is counted."""
    assert equality
    right = [select(hot, seed) for seed in range(SELECTIONS)]
    assert {selection["equality_timeouts"] for selection in right} == {0}

    def check(found: Iterable[dict[str, Any]]) -> int:
        counted = 0
        for selection, expected in zip(found, right, strict=True):
            votes = {vote["answer"]: vote["count"] for vote in selection["votes"]}
            assert votes == {vote["answer"]: vote["count"] for vote in expected["votes"]}
            assert len(votes) > 1
            assert selection["samples_used"] == 4
            # A tie may go to another one of them: it is decided by what they are compared as.
            winner, *others = selection["votes"]
            assert winner["answer"] == selection["answer"]
            assert all(winner["weight"] >= other["weight"] for other in others)
            counted += selection["equality_timeouts"]
        return counted

    with ThreadPoolExecutor() as pool:
        with suspended(equality):
            assert check(pool.map(partial(select, hot), range(SELECTIONS))) > 0
        asked = pool.map(partial(select, hot), range(SELECTIONS))
        for process in equality:
            if process.is_running():
                process.kill()
        check(asked)
    assert check(select(hot, seed) for seed in range(SELECTIONS)) == 0
