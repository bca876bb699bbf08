"""The methods of both clients that tell and change which checkpoint is served."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from laserve_client import (
    AuthenticationError,
    BadRequestError,
    CheckpointJob,
    CheckpointRejectedError,
    ConnectionFailedError,
    InvalidArgumentError,
    InvalidResponseError,
    LaServe,
    RateLimitedError,
    TimedOutError,
)
from laserve_client._loads import POLL_S
from tests.unit.client.conftest import Waits, only_noting, result_of
from tests.unit.client.fake_server import BEFORE, MODEL, REASON, STATES, FakeLaServe, error

PATH = "/checkpoints/new"
POSTED = [("POST", "/v1/checkpoints"), ("POST", "/v1/checkpoints/rollback")]


async def change(client: Any, path: str, **options: Any) -> Any:
    """The load that a POST to `path` starts."""
    if path.endswith("rollback"):
        return await result_of(client.roll_back(**options))
    return await result_of(client.load_checkpoint(PATH, **options))


async def test_the_list_names_what_is_served_and_every_load(client: Any) -> None:
    assert (await result_of(client.checkpoints())).data == ()
    await result_of(client.load_checkpoint(PATH))
    checkpoints = await result_of(client.checkpoints())
    assert (checkpoints.active.checkpoint, checkpoints.active.version) == (MODEL, 1)
    assert checkpoints.active.requests_in_flight == 3
    assert checkpoints.active.can_roll_back
    assert [(job.id, job.path, job.state) for job in checkpoints.data] == [
        ("load-1", PATH, "active")
    ]


@pytest.mark.parametrize(("method", "path"), POSTED)
async def test_a_load_is_followed_to_its_end(
    client: Any, fake: FakeLaServe, waits: Waits, method: str, path: str
) -> None:
    seen: list[CheckpointJob] = []
    job = await change(client, path, on_state=seen.append)
    assert (job.state, job.checkpoint, job.version) == ("active", "new", 2)
    assert job.has_ended
    assert job.seconds == dict.fromkeys(STATES[:-1], 0.25)
    assert [one.state for one in seen] == list(STATES)
    assert waits == [POLL_S] * 4
    asked = [(request.method, request.path) for request in fake.asked]
    assert asked == [(method, path), *[("GET", "/v1/checkpoints/load-1")] * 4]


async def test_a_state_that_lasts_is_told_once(client: Any, fake: FakeLaServe) -> None:
    fake.progress = ["queued", "queued", "loading", "loading", "active"]
    seen: list[str] = []
    await result_of(client.load_checkpoint(PATH, on_state=lambda job: seen.append(job.state)))
    assert seen == ["queued", "loading", "active"]


async def test_the_folder_and_the_strategy_are_sent(client: Any, fake: FakeLaServe) -> None:
    await result_of(client.load_checkpoint(Path(PATH), "in_place", wait=False))
    assert fake.asked[-1].body == {"path": PATH, "strategy": "in_place"}
    fake.progress = list(STATES)
    await result_of(client.load_checkpoint(PATH, wait=False))
    assert fake.asked[-1].body == {"path": PATH, "strategy": "auto"}


@pytest.mark.parametrize(("method", "path"), POSTED)
async def test_without_waiting_the_load_is_returned_as_it_begins(
    client: Any, fake: FakeLaServe, method: str, path: str
) -> None:
    job = await change(client, path, wait=False)
    assert (job.id, job.state, job.has_ended) == ("load-1", "queued", False)
    assert [(request.method, request.path) for request in fake.asked] == [(method, path)]


@pytest.mark.parametrize("path", [path for _, path in POSTED])
async def test_a_rejection_is_an_error_with_the_reason(
    client: Any, fake: FakeLaServe, path: str
) -> None:
    fake.progress = ["queued", "verifying", "rejected"]
    with pytest.raises(CheckpointRejectedError) as caught:
        await change(client, path)
    assert caught.value.reason == REASON
    assert caught.value.job.is_rejected
    what = f"the rollback to {BEFORE}" if path.endswith("rollback") else PATH
    assert str(caught.value) == f"{what} was rejected: {REASON}"


async def test_a_rejection_that_nobody_waits_for_is_no_error(
    client: Any, fake: FakeLaServe
) -> None:
    fake.progress = ["rejected"]
    job = await result_of(client.load_checkpoint(PATH, wait=False))
    assert (job.is_rejected, job.reason) == (True, REASON)


async def test_a_load_that_does_not_end_times_out(client: Any, fake: FakeLaServe) -> None:
    fake.progress = ["queued", *["loading"] * 10_000]
    with pytest.raises(TimedOutError, match="load-1 is still loading after 0.05 s"):
        await result_of(client.load_checkpoint(PATH, timeout_s=0.05))


@pytest.mark.parametrize(
    ("status", "kind"), [(403, AuthenticationError), (409, BadRequestError), (400, BadRequestError)]
)
@pytest.mark.parametrize("path", [path for _, path in POSTED])
async def test_what_the_server_refuses_is_an_error_of_its_status(
    client: Any, fake: FakeLaServe, path: str, status: int, kind: type[Exception]
) -> None:
    fake.failures.append(error(status, "no"))
    with pytest.raises(kind, match="no"):
        await change(client, path)


async def test_a_full_queue_is_asked_again(client: Any, fake: FakeLaServe, waits: Waits) -> None:
    fake.failures.append(error(429, "8 checkpoints are waiting"))
    await result_of(client.load_checkpoint(PATH, wait=False))
    assert waits == [0.5]
    fake.failures += [error(429, "8 checkpoints are waiting")] * 3
    with pytest.raises(RateLimitedError, match="8 checkpoints are waiting"):
        await result_of(client.load_checkpoint(PATH))


@pytest.mark.parametrize("path", [path for _, path in POSTED])
def test_a_change_that_may_have_arrived_is_not_sent_again(path: str) -> None:
    """A second rollback would go back to where the first one came from."""
    requests = []

    def fail(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        raise httpx.ReadError("no")

    transport = httpx.MockTransport(fail)
    with only_noting([], LaServe("http://127.0.0.1:1", transport=transport)) as client:
        with pytest.raises(ConnectionFailedError):
            client.roll_back() if path.endswith("rollback") else client.load_checkpoint(PATH)
        assert len(requests) == 1
        with pytest.raises(ConnectionFailedError):
            client.checkpoints()
        assert len(requests) == 4


async def test_a_poll_that_fails_is_repeated(client: Any, fake: FakeLaServe) -> None:
    def disturb(job: CheckpointJob) -> None:
        if job.state == "loading":
            fake.failures.append(error(503, "busy"))

    job = await result_of(client.load_checkpoint(PATH, on_state=disturb))
    assert job.state == "active"


async def test_the_admin_key_goes_with_what_is_about_checkpoints_alone(
    client: Any, fake: FakeLaServe
) -> None:
    keyed = type(client)(fake.url, MODEL, "sk-1", admin_key="admin-1")
    try:
        await result_of(keyed.load_checkpoint(PATH, wait=False))
        await result_of(keyed.roll_back(wait=False))
        await result_of(keyed.checkpoints())
        await result_of(keyed.generate("2 + 2?"))
    finally:
        await result_of(keyed.close())
    headers = [request.headers for request in fake.asked]
    assert [one.get("x-laserve-admin-key") for one in headers] == ["admin-1"] * 3 + [None]
    assert {one["authorization"] for one in headers} == {"Bearer sk-1"}


async def test_no_admin_key_is_sent_where_there_is_none(client: Any, fake: FakeLaServe) -> None:
    await result_of(client.load_checkpoint(PATH, wait=False))
    assert "x-laserve-admin-key" not in fake.asked[-1].headers


@pytest.mark.parametrize("key", ["admin\n", "schlüssel"])
def test_an_admin_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgumentError, match="admin_key"):
        LaServe("http://127.0.0.1:1", admin_key=key)


@pytest.mark.parametrize("method", ["checkpoints", "roll_back"])
async def test_an_answer_that_is_no_load_is_a_clear_error(
    client: Any, fake: FakeLaServe, method: str
) -> None:
    fake.failures.append(error(200, "not one"))
    with pytest.raises(InvalidResponseError, match="'(active|id)'"):
        await result_of(getattr(client, method)())
