"""A load from its folder to the end of the checkpoint before, and what each failure leaves."""

import asyncio
import logging
import os
import signal
import threading
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

import pytest
from vllm.v1.engine.exceptions import EngineDeadError

from laserve.checkpoint import page_cache
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import Staging
from laserve.hot_load import in_engine, strategies
from laserve.hot_load.checkpoints import ActiveCheckpoint, NoPredecessorError
from laserve.hot_load.engines import Engines
from laserve.hot_load.jobs import Job, State, Strategy
from laserve.hot_load.load import HotLoader
from laserve.hot_load.promises import ComputationShown, FilesShown
from laserve.hot_load.proof import Prover
from laserve.serving.deployment import Deployment, Source
from laserve.serving.switch import Switch
from tests.tiny_checkpoints.build import build_checkpoint
from tests.unit.hot_load.fake_engine import FakeEngine, FakeEngines, manifest_of
from tests.unit.hot_load.recorder import Recorder

NAMES = ("a", "b", "c")
PHASES = [State.VERIFYING, State.LOADING, State.PROVING]


@dataclass
class Serving:
    """A server that was started with checkpoint `a`."""

    root: Path
    staging: Staging
    engine: FakeEngine
    engines: FakeEngines
    switch: Switch
    loader: HotLoader
    recorder: Recorder
    task: asyncio.Task[None]

    async def load(self, name: str, strategy: Strategy = Strategy.AUTO) -> Job:
        return await self.ended(self.loader.load(self.root / name, strategy))

    async def ended(self, job: Job) -> Job:
        await self.recorder.ended(job)
        return job

    async def drained(self) -> None:
        """Wait until the one before has ended, as the next load does."""
        job = await self.load("no-such-folder")
        assert job.state == State.REJECTED

    def bind_a_request_during_the_reload(self) -> Deployment:
        """Keep what is active from draining once it is not active any more; returns it."""
        active = self.switch.active

        async def bind() -> None:
            active.requests.enter()

        self.engine.meanwhile = bind
        return active

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    @property
    def copies(self) -> list[str]:
        return sorted(manifest_of(path).checkpoint for path in self.staging.folder.iterdir())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("candidates")
    for seed, name in enumerate(NAMES):
        build_checkpoint(root / name, seed=seed, name=name)
    return root


@pytest.fixture
async def serving(root: Path, tmp_path: Path) -> AsyncIterator[Serving]:
    staging = Staging(tmp_path)
    staged = staging.stage(root / "a", [root])
    parameters = staged.manifest.parameters()
    engine, engines = FakeEngine(staged.path), FakeEngines()
    client: Any = engine
    first = Deployment(1, client, parameters, lambda reward, tokens: None, Source(staged))
    switch = Switch(first)
    served = ServedCheckpoint.read(staged.path, parameters, staged.manifest)
    starting: Any = engines
    recorder = Recorder()
    loader = HotLoader(switch, starting, staging, served, [root], recorder, Prover(None))
    task = asyncio.create_task(loader.run(None))
    running = Serving(root, staging, engine, engines, switch, loader, recorder, task)
    yield running
    await running.stop()


async def test_a_load_goes_from_its_folder_to_the_end_of_the_one_before(serving: Serving) -> None:
    first = serving.bind_a_request_during_the_reload()
    job = await serving.load("b")
    assert (job.state, job.checkpoint, job.version) == (State.ACTIVE, "b", 2)
    assert list(job.seconds) == [State.QUEUED, *PHASES]
    assert job.proof is not None
    assert job.proof.files == FilesShown.HASHES
    # The engine is there in name only.
    assert job.proof.computation.shown == ComputationShown.Z_C
    assert job.proof.weights.equal == 0
    second = serving.switch.active
    assert list(serving.switch.served) == [first, second]
    first.requests.leave()
    await serving.drained()
    assert list(serving.switch.served) == [second]
    assert serving.loader.active == ActiveCheckpoint(
        checkpoint="b",
        version=2,
        weights=second.parameters.weights,
        path=str(serving.root / "b"),
        requests_in_flight=0,
        can_roll_back=True,
    )
    assert job.weights == second.parameters.weights
    assert second.parameters.weights not in (None, first.parameters.weights)
    assert second.parameters.version == 2
    assert serving.engines.stopped == []
    assert serving.copies == ["a", "b"]


async def test_a_copy_that_nobody_can_go_back_to_is_removed_once_the_one_before_has_ended(
    serving: Serving,
) -> None:
    await serving.load("b")
    await serving.drained()
    second = serving.bind_a_request_during_the_reload()
    await serving.load("c")
    assert serving.copies == ["a", "b", "c"]
    second.requests.leave()
    await serving.drained()
    assert serving.copies == ["b", "c"]


async def test_a_rollback_and_one_of_it(serving: Serving) -> None:
    with pytest.raises(NoPredecessorError, match="nothing was active before a"):
        serving.loader.roll_back()
    assert not serving.loader.active.can_roll_back
    await serving.load("b")
    for version, expected in enumerate(("a", "b", "a"), start=3):
        job = await serving.ended(serving.loader.roll_back())
        assert (job.state, job.checkpoint, job.version) == (State.ACTIVE, expected, version)
        assert (job.path, job.origin) == (str(serving.root / expected), "rollback")
        assert serving.loader.active.checkpoint == expected
        assert serving.copies == ["a", "b"]


async def test_requests_are_taken_while_the_new_weights_are_read_ahead_of_a_load_in_place(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, bool]] = []

    def read_ahead(folder: Path) -> None:
        page_cache.read_ahead(folder)
        read.append((manifest_of(folder).checkpoint, serving.switch.is_held))

    monkeypatch.setattr(strategies, "read_ahead", read_ahead)
    await serving.load("b", Strategy.IN_PLACE)
    assert serving.engine.reloaded == ["b"]
    assert read == [("b", False)]


async def test_what_is_rejected_by_its_probes_is_undone_and_its_copy_removed(
    serving: Serving,
) -> None:
    first = serving.switch.active
    serving.engine.off_by["b"] = 1.0
    job = await serving.load("b")
    assert job.state == State.REJECTED
    assert job.reason is not None
    assert "golden probe 0" in job.reason
    assert list(job.seconds) == [State.QUEUED, *PHASES]
    assert (serving.switch.active, first.is_over) == (first, False)
    assert serving.engine.reloaded == ["b", "a"]
    assert serving.copies == ["a"]
    assert not serving.loader.active.can_roll_back


async def test_where_nothing_can_be_put_back_the_engine_is_stopped(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        # As vLLM raises what happens in a worker.
        raise Exception("a broken disk")

    serving.engine.meanwhile = fail
    job = await serving.load("b")
    assert (job.state, job.reason) == (State.REJECTED, "no engine started with it")
    assert serving.engine.reloaded == ["b", "a"]
    assert serving.engines.started == ["a"]
    assert serving.engines.stopped == [serving.engine]
    assert serving.switch.active.is_over
    failure = f"{serving.switch.active} cannot be put back: its engine is stopped"
    assert critical(caplog) == [failure]


async def test_a_load_that_fails_while_the_server_shuts_down_puts_nothing_back(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async def end() -> None:
        serving.switch.shutdown()
        raise EngineDeadError

    serving.engine.meanwhile = end
    job = await serving.load("b")
    assert job.state == State.REJECTED
    assert job.reason == "the engine cannot reload its weights: it died of it"
    assert serving.engine.reloaded == ["b"]
    assert serving.engines.started == []
    assert serving.engines.stopped == []
    assert critical(caplog) == []
    assert serving.copies == ["a"]


async def test_a_second_engine_that_stops_as_it_starts_has_so_long_and_is_ended(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = get_context("spawn").Process(target=signal.raise_signal, args=(signal.SIGSTOP,))

    class StoppedEngines(Engines):
        def _start(self, checkpoint: Path) -> NoReturn:
            process.start()
            process.join()
            # As vLLM's client says it.
            raise RuntimeError("Engine core initialization failed")

    client: Any = serving.engine
    engines = StoppedEngines(Namespace(engine_timeout_s=1.0), client)
    monkeypatch.setattr(serving.loader._strategies, "_engines", engines)
    first = serving.switch.active
    job = await serving.load("b", Strategy.SIDE_BY_SIDE)
    assert job.reason == (
        "its engine was not started and proven after 1 s (--engine-timeout-s): ended"
    )
    assert process.exitcode == -signal.SIGKILL
    assert (serving.switch.active, first.is_over) == (first, False)
    assert serving.copies == ["a"]
    assert (await serving.load("b", Strategy.IN_PLACE)).state == State.ACTIVE


async def test_a_second_engine_that_hangs_before_it_is_proven_has_so_long_and_is_ended(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = FakeEngine(serving.root / "b")

    async def start(checkpoint: Path) -> FakeEngine:
        return second

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(serving.engines, "limit_s", 0.01)
    monkeypatch.setattr(serving.engines, "start", start)
    monkeypatch.setattr(in_engine, "warm_up", hang)
    first = serving.switch.active
    job = await serving.load("b", Strategy.SIDE_BY_SIDE)
    assert job.reason is not None
    assert "--engine-timeout-s" in job.reason
    assert serving.engines.stopped == [second]
    assert (serving.switch.active, first.is_over) == (first, False)
    assert serving.copies == ["a"]


async def test_an_engine_that_hangs_in_the_middle_has_so_long_and_gives_way_to_a_new_one(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    async def start(checkpoint: Path) -> FakeEngine:
        return FakeEngine(checkpoint)

    async def warm_up(*_: object) -> None: ...

    serving.engine.meanwhile = hang
    monkeypatch.setattr(serving.engines, "limit_s", 1.0)
    monkeypatch.setattr(serving.engines, "start", start)
    monkeypatch.setattr(in_engine, "warm_up", warm_up)
    job = await serving.load("b", Strategy.IN_PLACE)
    assert job.reason == (
        "the engine had not loaded and proven it after 1 s (--engine-timeout-s): ended"
    )
    active = serving.switch.active
    assert active.source is not None
    assert active.source.checkpoint.name == "a"
    first: Any = serving.engine
    assert active.client is not first
    assert serving.engines.stopped == [serving.engine]
    assert serving.copies == ["a"]


async def test_a_load_that_is_stopped_in_the_middle_puts_nothing_back(serving: Serving) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        await never.wait()

    serving.engine.meanwhile = hang
    job = serving.loader.load(serving.root / "b", Strategy.IN_PLACE)
    await begun.wait()
    await serving.stop()
    assert (job.state, job.reason) == (State.REJECTED, "the server was stopped")
    assert serving.engine.reloaded == ["b"]
    assert serving.engines.started == []
    assert not serving.staging.folder.exists()


async def test_a_server_that_is_stopped_during_a_copy_leaves_nothing_behind(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying, read = threading.Event(), os.read

    def read_slowly(descriptor: int, size: int) -> bytes:
        copying.set()
        serving.staging._closed.wait()
        return read(descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", read_slowly)
        job = serving.loader.load(serving.root / "b", Strategy.IN_PLACE)
        await asyncio.to_thread(copying.wait)
        await serving.stop()
    assert (job.state, job.reason) == (State.REJECTED, "the server was stopped")
    assert list(job.seconds) == [State.QUEUED, State.VERIFYING]
    assert not serving.staging.folder.exists()


def critical(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.CRITICAL]
