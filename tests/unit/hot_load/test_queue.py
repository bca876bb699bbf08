"""The queue of loads: order, states, and what each kind of failure leaves behind."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.errors import CheckpointRejected
from laserve.hot_load.jobs import Job, State, Strategy
from laserve.hot_load.queue import HISTORY, MAX_QUEUED, JobQueue, QueueFullError
from tests.unit.hot_load.recorder import Recorder

PHASES = (State.VERIFYING, State.LOADING, State.PROVING)


@dataclass
class Loads:
    """A fake of what takes checkpoints up. It stops where the test holds it."""

    errors: dict[str, BaseException] = field(default_factory=dict)
    """Job -> what its load ends with."""
    failing_at: State = State.LOADING
    drain_error: BaseException | None = None
    begun: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    may: dict[State, asyncio.Event] = field(default_factory=dict)
    """When to go on; ACTIVE: when the one before has drained."""

    def hold(self, state: State) -> asyncio.Event:
        return self.may.setdefault(state, asyncio.Event())

    async def take_up(self, job: Job) -> None:
        self.begun.append(job.id)
        for state in PHASES:
            job.enter(state)
            await self._pass(job, state)
            if state == self.failing_at and job.id in self.errors:
                raise self.errors[job.id]
        job.checkpoint = f"of {job.id}"
        job.enter(State.ACTIVE)
        await self._pass(job, State.ACTIVE)
        if self.drain_error is not None:
            raise self.drain_error

    async def _pass(self, job: Job, state: State) -> None:
        try:
            if state in self.may:
                await self.may[state].wait()
        except asyncio.CancelledError:
            self.cancelled.append(job.id)
            raise


@dataclass
class Running:
    """A queue at work."""

    queue: JobQueue
    task: asyncio.Task[None]
    loads: Loads
    recorder: Recorder

    def submit(self, path: str = "/a") -> Job:
        return self.queue.submit(
            Path(path), Strategy.AUTO, "request", force=False, asked_by="alice"
        )

    async def ended(self, *jobs: Job) -> None:
        """Wait for the end of these jobs."""
        await self.recorder.ended(*jobs)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def at_work() -> AsyncIterator[Running]:
    loads, recorder = Loads(), Recorder()
    queue = JobQueue(recorder)
    task = asyncio.create_task(queue.run(loads.take_up))
    running = Running(queue, task, loads, recorder)
    yield running
    await running.stop()


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with at_work() as running:
        yield running


async def idle() -> None:
    """Long enough for whatever can go on to go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_load_goes_through_every_state(running: Running) -> None:
    job = running.submit("/folder")
    assert (job.id, job.path, job.state) == ("load-1", "/folder", State.QUEUED)
    await running.ended(job)
    assert job.state == State.ACTIVE
    assert running.recorder.states(job) == [State.QUEUED, *PHASES, State.ACTIVE]
    assert job.ended_at is not None
    assert job.ended_at >= job.created_at
    assert job.reason is None


async def test_a_folder_whose_name_is_not_utf_8_can_be_shown(running: Running) -> None:
    job = running.submit(os.fsdecode(b"/folder/\xff"))
    await running.ended(job)
    assert job.path == r"/folder/\udcff"
    assert json.loads(job.model_dump_json())["path"] == job.path


async def test_the_time_of_every_phase_is_kept_and_observed(running: Running) -> None:
    job = running.submit()
    await running.ended(job)
    assert list(job.seconds) == [State.QUEUED, *PHASES]
    assert all(seconds >= 0 for seconds in job.seconds.values())
    assert running.recorder.spent == [(job.id, *item) for item in job.seconds.items()]


async def test_loads_run_in_the_order_in_which_they_came(running: Running) -> None:
    jobs = [running.submit(path) for path in ("/a", "/b", "/c", "/a")]
    await running.ended(*jobs)
    assert running.loads.begun == ["load-1", "load-2", "load-3", "load-4"]
    assert [job.path for job in jobs] == ["/a", "/b", "/c", "/a"]
    assert running.queue.jobs == tuple(reversed(jobs))


@pytest.mark.parametrize("state", PHASES)
async def test_of_two_loads_at_once_the_second_waits(running: Running, state: State) -> None:
    go_on = running.loads.hold(state)
    first, second = running.submit(), running.submit()
    await idle()
    assert (first.state, second.state) == (state, State.QUEUED)
    go_on.set()
    await running.ended(first, second)
    assert running.recorder.entries.index((first.id, State.ACTIVE)) < (
        running.recorder.entries.index((second.id, State.VERIFYING))
    )


async def test_a_load_during_a_drain_waits_for_its_end(running: Running) -> None:
    drained = running.loads.hold(State.ACTIVE)
    first, second = running.submit(), running.submit()
    await idle()
    assert (first.state, second.state) == (State.ACTIVE, State.QUEUED)
    assert running.loads.begun == [first.id]
    drained.set()
    await running.ended(second)
    assert second.state == State.ACTIVE


async def test_a_full_queue_refuses_and_takes_again_what_comes_later(running: Running) -> None:
    go_on = running.loads.hold(State.LOADING)
    first = running.submit()
    await idle()
    waiting = [running.submit() for _ in range(MAX_QUEUED)]
    with pytest.raises(QueueFullError, match=f"{MAX_QUEUED} checkpoints are waiting"):
        running.submit()
    assert running.queue.jobs == (*reversed(waiting), first)
    go_on.set()
    await running.ended(*waiting)
    last = running.submit()
    await running.ended(last)
    assert last.id == f"load-{MAX_QUEUED + 2}"


@pytest.mark.parametrize("state", PHASES)
async def test_after_a_rejection_the_next_one_is_taken(
    running: Running, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    running.loads.failing_at = state
    running.loads.errors["load-1"] = CheckpointRejected("its weights are missing")
    first, second = running.submit(), running.submit()
    await running.ended(first, second)
    assert (first.state, first.reason) == (State.REJECTED, "its weights are missing")
    assert running.recorder.states(first)[-2:] == [state, State.REJECTED]
    assert first.ended_at is not None
    assert second.state == State.ACTIVE
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("broken"), "broken"),
        (RuntimeError(), "RuntimeError"),
        (AssertionError(), "AssertionError"),
    ],
)
async def test_a_defect_of_ours_rejects_the_load_and_is_logged(
    running: Running, error: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    running.loads.errors["load-1"] = error
    first, second = running.submit(), running.submit()
    await running.ended(first, second)
    assert (first.state, first.reason) == (State.REJECTED, reason)
    assert second.state == State.ACTIVE
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "load-1 met a defect" in record.message
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_load_that_is_cancelled_from_inside_does_not_stop_the_queue(
    running: Running,
) -> None:
    running.loads.errors["load-1"] = asyncio.CancelledError()
    first, second = running.submit(), running.submit()
    await running.ended(first, second)
    assert (first.state, first.reason) == (State.REJECTED, "its load was cancelled")
    assert second.state == State.ACTIVE


async def test_a_drain_that_fails_leaves_the_checkpoint_active(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.loads.drain_error = RuntimeError("the old engine does not stop")
    first, second = running.submit(), running.submit()
    await running.ended(first, second)
    assert (first.state, first.reason) == (State.ACTIVE, None)
    assert second.state == State.ACTIVE
    assert "load-1 met a defect" in caplog.text


@pytest.mark.parametrize("state", PHASES)
async def test_a_shutdown_cancels_the_load_and_rejects_it(running: Running, state: State) -> None:
    running.loads.hold(state)
    first, second = running.submit(), running.submit()
    await idle()
    await running.stop()
    assert running.task.cancelled()
    assert running.loads.cancelled == [first.id]
    assert (first.state, first.reason) == (State.REJECTED, "the server was stopped")
    assert second.state == State.QUEUED
    assert running.loads.begun == [first.id]


async def test_a_shutdown_during_a_drain_leaves_the_checkpoint_active(running: Running) -> None:
    running.loads.hold(State.ACTIVE)
    job = running.submit()
    await idle()
    await running.stop()
    assert running.loads.cancelled == [job.id]
    assert (job.state, job.reason) == (State.ACTIVE, None)


async def test_a_shutdown_of_an_idle_queue_ends_it(running: Running) -> None:
    await running.stop()
    assert running.task.cancelled()
    assert running.queue.jobs == ()


async def test_only_the_newest_loads_are_remembered(running: Running) -> None:
    for _ in range(HISTORY + 5):
        await running.ended(running.submit())
    names = [job.id for job in running.queue.jobs]
    assert names == [f"load-{number}" for number in range(HISTORY + 5, 5, -1)]


async def test_a_job_is_shown_with_its_times_by_phase(running: Running) -> None:
    job = running.submit("/folder")
    await running.ended(job)
    shown = job.model_dump(mode="json")
    assert shown.keys() == {
        *("id", "path", "strategy", "force", "origin", "asked_by", "state", "checkpoint"),
        *("version", "weights", "reason", "created_at", "ended_at", "seconds", "proof"),
    }
    assert shown["state"] == "active"
    assert list(shown["seconds"]) == ["queued", "verifying", "loading", "proving"]


OUTCOMES: dict[str, BaseException | None] = {
    "active": None,
    "rejected": CheckpointRejected("bad"),
    "defect": RuntimeError("broken"),
    "cancelled": asyncio.CancelledError(),
}


@given(
    st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=MAX_QUEUED),
    st.sampled_from(PHASES),
)
def test_whatever_becomes_of_a_load_the_others_do_not_notice(
    outcomes: list[str], failing_at: State
) -> None:
    async def run() -> None:
        async with at_work() as running:
            running.loads.failing_at = failing_at
            jobs = []
            for number, outcome in enumerate(outcomes, start=1):
                if (error := OUTCOMES[outcome]) is not None:
                    running.loads.errors[f"load-{number}"] = error
                jobs.append(running.submit())
            await running.ended(*jobs)
            assert [job.state == State.ACTIVE for job in jobs] == [
                outcome == "active" for outcome in outcomes
            ]
            assert all((job.reason is None) == (job.state == State.ACTIVE) for job in jobs)
            assert running.loads.begun == [job.id for job in jobs]

    asyncio.run(run())
