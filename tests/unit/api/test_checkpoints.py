"""The routes that tell and change which checkpoint is served, in front of fake checkpoints."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from laserve.access.key_ring import KeyRing
from laserve.api.middleware.auth import api_keys
from laserve.api.state import LaServeState
from laserve.errors import CheckpointRejected
from laserve.hot_load.checkpoints import ActiveCheckpoint, Checkpoints, NoPredecessorError
from laserve.hot_load.jobs import Job, State, Strategy
from laserve.hot_load.queue import QueueFullError
from tests.unit.api.serving import Server, build_app
from tests.unit.serving.fake_serving import PARAMETERS

pytestmark = pytest.mark.asyncio

CHECKPOINTS = "/v1/checkpoints"
ROLLBACK = f"{CHECKPOINTS}/rollback"
BODY = {"path": "/checkpoints/new"}
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", CHECKPOINTS, None),
    ("GET", f"{CHECKPOINTS}/load-1", None),
    ("POST", CHECKPOINTS, BODY),
    ("POST", ROLLBACK, None),
]
CHANGING = [route for route in ROUTES if route[0] == "POST"]


ACTIVE = ActiveCheckpoint(
    checkpoint=PARAMETERS.checkpoint,
    version=2,
    weights="0123456789ab",
    path="/checkpoints/old",
    requests_in_flight=3,
    can_roll_back=True,
)


@dataclass
class FakeCheckpoints(Checkpoints):
    """Accepts everything until it is told otherwise."""

    submitted: list[Job] = field(default_factory=list)
    error: Exception | None = None

    @property
    def active(self) -> ActiveCheckpoint:
        return ACTIVE

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(reversed(self.submitted))

    def locate(self, named: Path) -> Path:
        if "nowhere" in named.parts:
            raise CheckpointRejected(f"{str(named)!r} is no folder")
        return Path("/checkpoints", named)

    def load(self, path: Path, strategy: Strategy, *, force: bool, asked_by: str | None) -> Job:
        return self._submit(str(path), strategy, "request", force, asked_by)

    def roll_back(self, *, force: bool, asked_by: str | None) -> Job:
        return self._submit("/checkpoints/before", Strategy.AUTO, "rollback", force, asked_by)

    def _submit(
        self, path: str, strategy: Strategy, origin: str, force: bool, asked_by: str | None
    ) -> Job:
        if self.error is not None:
            raise self.error
        job = Job(
            id=f"load-{len(self.submitted) + 1}",
            path=path,
            strategy=strategy,
            force=force,
            origin=origin,
            asked_by=asked_by,
            created_at=datetime.now(UTC),
        )
        self.submitted.append(job)
        return job


@dataclass
class Client:
    """Asks the server."""

    server: Server
    checkpoints: FakeCheckpoints

    async def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.server.client() as client:
            return await client.request(method, path, json=body, headers=named)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app()


def client_of(app: FastAPI, checkpoints: Any, admin_key: str | None = None) -> Client:
    ring = KeyRing(api_keys(app.state.args), admin_key, None)
    server = Server(app, ring=ring)
    state: LaServeState = app.state.laserve
    app.state.laserve = replace(state, checkpoints=checkpoints)
    return Client(server, checkpoints)


@pytest.fixture
def ask(app: FastAPI) -> Client:
    return client_of(app, FakeCheckpoints())


def error_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """OpenAI's error object."""
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == status
    return error


async def test_a_load_is_accepted_with_its_job_and_where_to_ask_for_it(ask: Client) -> None:
    answer = await ask("POST", CHECKPOINTS, BODY)
    assert answer.status_code == 202
    job = answer.json()
    assert (job["id"], job["state"], job["origin"]) == ("load-1", "queued", "request")
    assert (job["path"], job["strategy"]) == ("/checkpoints/new", "auto")
    assert answer.headers["location"] == "/v1/checkpoints/load-1"
    again = await ask("GET", answer.headers["location"])
    assert again.status_code == 200
    assert again.json() == job


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_the_strategy_is_handed_on(ask: Client, strategy: Strategy) -> None:
    await ask("POST", CHECKPOINTS, BODY | {"strategy": strategy.value})
    assert ask.checkpoints.submitted[0].strategy == strategy.value


async def test_a_rollback_is_accepted_without_a_body(ask: Client) -> None:
    answer = await ask("POST", ROLLBACK)
    assert answer.status_code == 202
    assert (answer.json()["path"], answer.json()["origin"]) == ("/checkpoints/before", "rollback")
    assert answer.headers["location"] == "/v1/checkpoints/load-1"


async def test_a_job_is_shown_as_far_as_it_is(ask: Client) -> None:
    await ask("POST", CHECKPOINTS, BODY)
    job = ask.checkpoints.submitted[0]
    job.enter(State.VERIFYING)
    job.reason = "a shard is missing"
    job.enter(State.REJECTED)
    shown = (await ask("GET", f"{CHECKPOINTS}/load-1")).json()
    assert (shown["state"], shown["reason"]) == ("rejected", "a shard is missing")
    assert list(shown["seconds"]) == ["queued", "verifying"]
    assert shown["ended_at"] is not None


async def test_the_list_has_what_is_active_and_the_newest_load_first(ask: Client) -> None:
    for body in (BODY, {"path": "/checkpoints/newer"}):
        await ask("POST", CHECKPOINTS, body)
    answer = await ask("GET", CHECKPOINTS)
    assert answer.status_code == 200
    assert answer.json()["object"] == "list"
    assert answer.json()["active"] == {
        "checkpoint": PARAMETERS.checkpoint,
        "version": 2,
        "weights": "0123456789ab",
        "path": "/checkpoints/old",
        "requests_in_flight": 3,
        "can_roll_back": True,
    }
    assert [job["id"] for job in answer.json()["data"]] == ["load-2", "load-1"]


async def test_a_load_that_is_not_known_is_not_found(ask: Client) -> None:
    error = error_of(await ask("GET", f"{CHECKPOINTS}/load-7"), 404)
    assert error["message"] == "no load 'load-7': GET /v1/checkpoints lists them"


async def test_a_rollback_without_a_predecessor_is_a_conflict(ask: Client) -> None:
    ask.checkpoints.error = NoPredecessorError("nothing was active before tiny")
    assert error_of(await ask("POST", ROLLBACK), 409)["message"] == "nothing was active before tiny"


@pytest.mark.parametrize(("method", "path", "body"), CHANGING)
async def test_a_full_queue_is_too_many_requests(
    ask: Client, method: str, path: str, body: Any
) -> None:
    ask.checkpoints.error = QueueFullError("8 checkpoints are waiting")
    error = error_of(await ask(method, path, body), 429)
    assert error["message"] == "8 checkpoints are waiting"


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_a_server_that_loads_no_checkpoints_says_how_to_start_one_that_does(
    app: FastAPI, method: str, path: str, body: Any
) -> None:
    ask = client_of(app, None)
    error = error_of(await ask(method, path, body), 501)
    assert "--checkpoint-root DIR" in error["message"]
    assert "--watch-checkpoints DIR" in error["message"]


KEY = "admin-right"


@pytest.mark.parametrize("given", [{}, {"x_laserve_admin_key": "admin-wrong"}])
@pytest.mark.parametrize(("method", "path", "body"), CHANGING)
async def test_who_has_no_admin_key_changes_nothing(
    app: FastAPI, method: str, path: str, body: Any, given: dict[str, str]
) -> None:
    ask = client_of(app, FakeCheckpoints(), KEY)
    error = error_of(await ask(method, path, body, **given), 403)
    assert "x-laserve-admin-key: KEY" in error["message"]
    assert KEY not in error["message"]
    assert ask.checkpoints.submitted == []


@pytest.mark.parametrize("given", [b"admin-w\xf6rong", b"", b" ", b"\xff"])
async def test_any_bytes_as_a_key_are_refused_in_the_same_way(app: FastAPI, given: bytes) -> None:
    ask = client_of(app, FakeCheckpoints(), KEY)
    async with ask.server.client() as client:
        answer = await client.post(
            CHECKPOINTS, json=BODY, headers=[(b"x-laserve-admin-key", given)]
        )
    error_of(answer, 403)


@pytest.mark.parametrize(("method", "path", "body"), CHANGING)
async def test_the_admin_key_opens_the_changes(
    app: FastAPI, method: str, path: str, body: Any
) -> None:
    ask = client_of(app, FakeCheckpoints(), KEY)
    answer = await ask(method, path, body, x_laserve_admin_key=KEY)
    assert answer.status_code == 202


async def test_who_has_no_admin_key_sees_what_is_served_and_not_where_it_lies(
    app: FastAPI,
) -> None:
    ask = client_of(app, FakeCheckpoints(), KEY)
    await ask("POST", CHECKPOINTS, BODY, x_laserve_admin_key=KEY)
    ask.checkpoints.submitted[0].reject("/checkpoints/new is no folder below /checkpoints")
    for method, path, _ in ROUTES[:2]:
        answer = await ask(method, path)
        assert answer.status_code == 200
        assert "/checkpoints/" not in answer.text
        assert "admin-key" not in answer.text
        assert "the server's administrators see why" in answer.text
        whole = (await ask(method, path, x_laserve_admin_key=KEY)).text
        assert "is no folder below" in whole
        assert '"asked_by":"admin-key"' in whole
    assert "0123456789ab" in (await ask("GET", CHECKPOINTS)).text


async def test_what_can_be_told_at_once_is_refused_at_once(ask: Client) -> None:
    error = error_of(await ask("POST", CHECKPOINTS, {"path": "nowhere"}), 400)
    assert (error["message"], error["param"]) == ("'nowhere' is no folder", "body.path")
    assert ask.checkpoints.submitted == []


async def test_a_relative_path_counts_from_the_roots(ask: Client) -> None:
    answer = await ask("POST", CHECKPOINTS, {"path": "new"})
    assert answer.json()["path"] == "/checkpoints/new"


async def test_null_is_the_default_strategy(ask: Client) -> None:
    assert (await ask("POST", CHECKPOINTS, BODY | {"strategy": None})).status_code == 202
    assert ask.checkpoints.submitted[-1].strategy == Strategy.AUTO


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({}, "body.path", "Field required"),
        ({"path": ""}, "body.path", "at least 1 character"),
        ({"path": 1}, "body.path", "valid string"),
        ({"path": None}, "body.path", "valid string"),
        ({"path": ["/a"]}, "body.path", "valid string"),
        (BODY | {"strategy": "hot"}, "body.strategy", "'auto', 'side_by_side' or 'in_place'"),
        (BODY | {"wait": True}, "body.wait", "Extra inputs are not permitted"),
        ([BODY], "body", "valid dictionary"),
        ("/checkpoints/new", "body", "valid dictionary"),
        (None, "body", "Field required"),
    ],
)
async def test_a_body_of_another_shape_is_refused_with_the_field(
    ask: Client, body: Any, param: str, message: str
) -> None:
    error = error_of(await ask("POST", CHECKPOINTS, body, content_type="application/json"), 400)
    assert error["param"] == param
    assert message in error["message"]
    assert ask.checkpoints.submitted == []


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"[" * 100_000, b'{"path": "/a\\ud800"}', b'{"path": NaN}']
)
async def test_a_body_that_cannot_be_read_is_refused(ask: Client, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    async with ask.server.client() as client:
        error_of(await client.post(CHECKPOINTS, content=content, headers=headers), 400)
    assert ask.checkpoints.submitted == []


async def test_a_body_that_is_not_sent_as_json_is_refused_as_elsewhere(ask: Client) -> None:
    answer = await ask("POST", CHECKPOINTS, BODY, content_type="text/plain")
    assert "Only 'application/json' is allowed" in error_of(answer, 400)["message"]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_the_api_key_is_asked_for_here_too(method: str, path: str, body: Any) -> None:
    app = build_app("--api-key", "sk-right")
    ask = client_of(app, FakeCheckpoints())
    error_of(await ask(method, path, body), 401)
    answer = await ask(method, path, body, authorization="Bearer sk-right")
    assert answer.status_code in (200, 202, 404)


async def test_the_documentation_names_the_routes(ask: Client) -> None:
    paths = (await ask("GET", "/openapi.json")).json()["paths"]
    assert paths[CHECKPOINTS].keys() == {"get", "post"}
    assert paths[f"{CHECKPOINTS}/{{job_id}}"].keys() == {"get"}
    assert paths[ROLLBACK].keys() == {"post"}
