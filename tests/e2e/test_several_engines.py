"""A server of two engines, and of as many API servers: what it answers, and how it ends."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from psutil import Process, wait_procs

from tests.bench.hot_load.memory import engines, family
from tests.bench.hot_load.references import References
from tests.e2e.conftest import ENGINE_FLAGS
from tests.e2e.every_request import ASKED, check_errors, suspended
from tests.e2e.hot_loading import HotServer
from tests.e2e.server import Server, running_server
from tests.tiny_checkpoints.build import build_checkpoint

LIMIT_S = 120.0


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
