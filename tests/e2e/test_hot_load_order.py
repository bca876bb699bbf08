"""What a load waits for, and what waits for it; second engines that fail; a stop in the middle."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psutil

from tests.bench.hot_load.memory import engines, family, poll_descriptors
from tests.bench.soak.disturbances import equality_processes
from tests.e2e.hot_loading import (
    HotServer,
    Sample,
    SlowReader,
    answered_throughout,
    reloading,
    running_hot_server,
    same_as,
)
from tests.e2e.test_processes import check_selects_without
from tests.tiny_checkpoints.build import build_checkpoint
from tests.tiny_checkpoints.corpus import BAD

QUEUE = 8
STOP_LIMIT_S = 60


def test_requests_wait_for_a_load_in_place_and_are_answered_by_what_it_loaded(
    at_a: HotServer, candidate: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        with reloading(at_a, candidate) as job:
            held = [pool.submit(at_a.ask, "tiny-b", seed) for seed in range(4)]
            # Nothing tells of a request that is held up.
            assert wait(held, timeout=1.0).done == set()
            for path in ("/v1/checkpoints", f"/v1/checkpoints/{job}", "/health", "/metrics"):
                assert at_a.server.http.get(path).status_code == 200
            assert at_a.active == "tiny-a"
        assert at_a.wait(job)["state"] == "active"
        for future in held:
            future.result()


def test_a_copy_is_loaded_whatever_becomes_of_the_folder(at_a: HotServer, candidate: Path) -> None:
    with reloading(at_a, candidate) as job:
        shutil.rmtree(candidate)
    assert at_a.wait(job)["state"] == "active"
    at_a.ask("tiny-b")


def test_loads_wait_for_each_other_and_a_full_queue_says_so(
    at_a: HotServer, candidate: Path
) -> None:
    with reloading(at_a, candidate) as first:
        missing = {"path": "no-such-folder"}  # which no queue is asked about
        assert at_a.server.http.post("/v1/checkpoints", json=missing).status_code == 400
        jobs = [at_a.post(at_a.root, "auto") for _ in range(QUEUE - 1)]  # it is no checkpoint
        jobs.append(at_a.post(at_a.root / "a", "in_place"))
        refused = at_a.server.http.post("/v1/checkpoints", json={"path": str(at_a.root / "a")})
        assert refused.status_code == 429
        assert f"{QUEUE} checkpoints are waiting" in refused.json()["error"]["message"]
        assert {at_a.job(job)["state"] for job in jobs} == {"queued"}
    ended = [at_a.wait(job) for job in (first, *jobs)]
    assert [job["state"] for job in ended] == ["active", *["rejected"] * (QUEUE - 1), "active"]
    assert ended[-1]["version"] == ended[0]["version"] + 1
    assert [job["ended_at"] for job in ended] == sorted(job["ended_at"] for job in ended)
    at_a.ask("tiny-a")


def test_a_stream_ends_on_its_checkpoint_and_the_next_load_a_rollback_waits_for_it(
    at_a: HotServer,
) -> None:
    with SlowReader.of(at_a) as reader:
        at_a.load(at_a.root / "b", "side_by_side")
        at_a.ask("tiny-b")
        in_flight = "laserve_checkpoint_requests_in_flight"
        assert at_a.server.metric(in_flight, checkpoint="tiny-a") == 1
        rollback = at_a.post_rollback()
        time.sleep(1.0)
        assert at_a.job(rollback)["state"] == "queued"
        assert len(engines(at_a.server.pid)) == 2
        samples = reader.read()
    assert reader.checkpoint == "tiny-a"
    for sample in samples:
        assert sample.reward["checkpoint"] == "tiny-a"
        assert at_a.references.defect(sample.reward, sample.tokens) is None
    job = at_a.wait(rollback)
    assert (job["state"], job["origin"], job["checkpoint"]) == ("active", "rollback", "tiny-a")
    at_a.ask("tiny-a")


def test_a_second_engine_that_fails_its_probes_is_stopped(
    at_a: HotServer, before: list[Sample], candidate: Path
) -> None:
    BAD["probes of another checkpoint"](candidate)
    with answered_throughout(at_a, "tiny-a"):
        assert "golden probe 0" in at_a.rejection(candidate, "side_by_side")
        assert same_as(before, at_a.ask("tiny-a"))
    assert len(engines(at_a.server.pid)) == 1
    assert len(at_a.copies) <= 2


def test_a_second_engine_that_is_killed_is_a_rejection(
    at_a: HotServer, before: list[Sample]
) -> None:
    old = engines(at_a.server.pid)
    with answered_throughout(at_a, "tiny-a"):
        job = at_a.wait(at_a.post(at_a.root / "b", "side_by_side"), "loading")
        for process in at_a.second_engine(job["id"], old):
            process.kill()
        job = at_a.wait(job["id"])
        assert job["state"] == "rejected"
        assert "no engine started with it" in job["reason"]
        assert same_as(before, at_a.ask("tiny-a"))
    assert engines(at_a.server.pid) == old
    assert len(at_a.copies) <= 2


def test_a_server_selects_without_its_equality_processes_and_leaves_nothing_behind_when_stopped(
    tmp_path: Path,
) -> None:
    """Stopped in the middle of a load. By the console script, where nothing is forked: its second
    engines start as a user's do, and its other processes tell what they are."""
    root = tmp_path / "candidates"
    build_checkpoint(root / "a", name="tiny-a")
    build_checkpoint(root / "b", seed=1, name="tiny-b")
    with running_hot_server(root, ("a", "b"), installed=True) as hot:
        refused = hot.server.http.post("/v1/checkpoints/rollback")
        assert refused.status_code == 409
        assert "nothing was active before tiny-a" in refused.json()["error"]["message"]
        check_selects_without(hot, equality_processes(hot.server.pid))
        pid = hot.server.pid
        before = poll_descriptors(pid)
        hot.load(root / "b", "side_by_side")
        hot.ask("tiny-b")
        # What reached the first engine goes with it.
        hot.server.wait_until(lambda: len(engines(pid)) == 1 and poll_descriptors(pid) == before)
        old = engines(pid)
        job = hot.wait(hot.post(root / "a", "side_by_side"), "loading")
        hot.second_engine(job["id"], old)
        processes = list(family(pid))
        psutil.Process(pid).terminate()
        _, alive = psutil.wait_procs(processes, timeout=STOP_LIMIT_S)
        assert not alive
        assert list(hot.staging.iterdir()) == []
