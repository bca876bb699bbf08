"""What changes the server for everybody is for administrators: checked on every route there is."""

import json
import logging

import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from laserve.access.key_ring import KeyRing
from laserve.api.middleware import administration
from tests.routes import ADMINISTRATIVE, KNOWN
from tests.unit.api.errors import error_of
from tests.unit.api.serving import CHAT, REQUESTS, Server
from tests.unit.api.test_auth import operations

pytestmark = pytest.mark.asyncio

ADMIN = {"x-laserve-admin-key": "admin-right"}
TELLING = "/server_info"
"""A GET that shows the server's flags, folders and environment."""


@pytest.fixture(scope="module")
def server(whole_app: FastAPI) -> Server:
    """With every route that vLLM can mount, and an admin key."""
    return Server(whole_app, ring=KeyRing([], "admin-right", None))


async def test_what_is_administrative_is_what_changes_the_server() -> None:
    guarded = {path for path in KNOWN if administration.is_administrative(path, "POST")}
    assert guarded == ADMINISTRATIVE
    assert {path.partition("/{")[0] for path in ADMINISTRATIVE} >= administration.ADMINISTRATIVE


async def test_a_route_that_changes_the_server_asks_for_the_admin_key_and_no_other_does(
    server: Server,
) -> None:
    asked = set()
    async with server.client() as client:
        for method, path in sorted(operations(server.app)):
            if method in ("OPTIONS", "HEAD") or path in ("/metrics", *REQUESTS):
                continue
            answer = await client.request(method, path, json={})
            if answer.status_code == 403:
                asked.add(path)
                message = error_of(path, answer, 403)["message"]
                assert message == "no valid admin key: send it as 'x-laserve-admin-key: KEY'"
                given = {"x-laserve-admin-key": "admin-wrong"}
                assert (await client.request(method, path, headers=given)).status_code == 403
    mounted = {route.path for route in server.app.routes if isinstance(route, Route | Mount)}
    expected = {path.replace("{adapter_name}", "some") for path in ADMINISTRATIVE & mounted}
    assert asked == {*expected, TELLING}
    assert {"/scale_elastic_ep", "/v1/load_lora_adapter", "/collective_rpc", "/sleep"} <= asked


@pytest.mark.parametrize("path", ["/scale_elastic_ep", "/v1/checkpoints", "/v1/load_lora_adapter"])
async def test_the_admin_key_opens_them(server: Server, path: str) -> None:
    assert (await server.post(path, {}, **ADMIN)).status_code != 403


async def test_without_an_admin_key_whoever_may_use_the_server_may(server: Server) -> None:
    anybodys = Server(server.app)
    assert (await anybodys.post("/scale_elastic_ep", {})).status_code == 400


async def test_each_attempt_is_on_record_with_the_id_of_its_key_and_without_the_key(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    keyed = Server(server.app, ring=KeyRing(["sk-first", "sk-second"], "admin-right", None))
    caplog.set_level(logging.INFO, administration.__name__)
    second = {"authorization": "Bearer sk-second"}
    await keyed.post("/scale_elastic_ep", {}, **second)
    await keyed.post("/scale_elastic_ep", {}, **second, **ADMIN)
    await keyed.post(CHAT, REQUESTS[CHAT], **second)
    lines = [record.getMessage().removeprefix("audit: ") for record in caplog.records]
    whole = {"from": "127.0.0.1", "method": "POST", "path": "/scale_elastic_ep"}
    assert [json.loads(line) for line in lines] == [
        {**whole, "key": "api-key-2", "status": 403},
        {**whole, "key": "admin-key", "status": 400},
    ]
