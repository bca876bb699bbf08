"""The OpenAPI document lists what is answered, refusals among it, on every route."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from vllm.exceptions import QueueOverflowError

from laserve.access.key_ring import KeyRing
from laserve.api.middleware.error_shape import MESSAGES
from tests.routes import ADMINISTRATIVE
from tests.unit.api.serving import OTHERS, REQUESTS, Server
from tests.unit.serving.fake_deployment import BODY_LIMIT
from tests.unit.serving.fake_serving import model_not_found

pytestmark = pytest.mark.asyncio

OURS: dict[tuple[str, str], set[int]] = {
    **{("post", path): {200, 404, 501} for path in (*REQUESTS, *OTHERS)},
    **{
        ("post", path): {200, 404, 501}
        for path in ("/v1/self_reward", "/v1/rerank", "/v2/rerank", "/rerank")
    },
    ("get", "/v1/models/{model_id}"): {200, 404},
    ("get", "/v1/checkpoints"): {200, 501},
    ("get", "/v1/checkpoints/{job_id}"): {200, 404, 501},
    ("post", "/v1/checkpoints"): {202, 501},
    ("post", "/v1/checkpoints/rollback"): {202, 409, 501},
}
"""Our routes, and what each answers beside what any route does."""


def documented(server: Server) -> dict[tuple[str, str], dict[str, Any]]:
    """Each operation's answers, by method and path."""
    return {
        (method, path): operation["responses"]
        for path, operations in server.app.openapi()["paths"].items()
        for method, operation in operations.items()
    }


@pytest.fixture(scope="module")
def everything(whole_app: FastAPI) -> Server:
    return Server(whole_app)


async def test_every_route_lists_what_is_refused_around_it(everything: Server) -> None:
    operations = documented(everything)
    for (method, path), answers in operations.items():
        statuses = {int(status) for status in answers}
        expected = {500, 503} | (set() if path == "/health" else {401})
        if method != "get":
            expected |= {400, 408, 413, 429}
        assert expected <= statuses, (method, path)
        administrative = (path in ADMINISTRATIVE and method != "get") or path == "/server_info"
        assert (403 in statuses) == administrative, (method, path)
        assert 422 not in statuses
        if path == MESSAGES or path.startswith(f"{MESSAGES}/"):
            schema = answers["429"]["content"]["application/json"]["schema"]["$ref"]
            assert schema.endswith("/AnthropicErrorResponse")
    assert OURS.keys() <= operations.keys()
    for operation, own in OURS.items():
        assert own <= {int(status) for status in operations[operation]}, operation


@pytest.mark.parametrize("path", REQUESTS)
async def test_what_a_route_answers_is_listed(server: Server, path: str, tmp_path: Path) -> None:
    listed = {int(status) for status in documented(server)["post", path]}
    seen = set()

    async def note(at: Server, body: Any, **headers: str) -> None:
        seen.add((await at.post(path, body, **headers)).status_code)

    await note(server, REQUESTS[path])
    await note(server, [])
    await note(server, REQUESTS[path] | {"padding": "x" * BODY_LIMIT})
    server.engine.error = QueueOverflowError()
    await note(server, REQUESTS[path])
    server.engine.error = RuntimeError("broken")
    await note(server, REQUESTS[path])
    server.chat.error = model_not_found()
    await note(server, REQUESTS[path])
    await note(Server(server.app, ring=KeyRing(["sk-right"], None, None)), REQUESTS[path])
    file = tmp_path / "keys.toml"
    file.write_text("[limited]\nkeys = ['sk-limited']\nrequests_per_minute = 1\n")
    at_limit = Server(server.app, ring=KeyRing([], None, file))
    for _ in range(2):
        await note(at_limit, REQUESTS[path], authorization="Bearer sk-limited")
    assert {200, 400, 401, 413, 429, 500, 503} <= seen
    assert seen <= listed
