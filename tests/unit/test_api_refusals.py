"""What is refused: how, with which words, and before anything is generated."""

import pytest
from fastapi import FastAPI

from laserve.errors import RequestError
from tests.unit.api_server import CHAT, REQUESTS, Server, build_app
from tests.unit.fake_serving import model_not_found

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app()


@pytest.fixture
def server(app: FastAPI) -> Server:
    return Server(app)


@pytest.fixture(scope="module")
def plain_app() -> FastAPI:
    return build_app(plugins=())


@pytest.fixture
def plain(plain_app: FastAPI) -> Server:
    """vLLM without LaServe."""
    return Server(plain_app)


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("value", ["false", 0, None, {}])
async def test_self_reward_of_another_type_is_refused(
    server: Server, path: str, value: object
) -> None:
    answer = await server.post(path, REQUESTS[path] | {"self_reward": value})
    error = answer.json()["error"]
    assert answer.status_code == error["code"] == 400
    assert error["param"] == "body.self_reward"
    assert "valid boolean" in error["message"]
    assert server.engine.armed == []


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses"])
@pytest.mark.parametrize(
    ("field", "advice"),
    [
        ("self_rewards", "the field is 'self_reward'"),
        ("selfReward", "the field is 'self_reward'"),
        ("self_reward_method", "the field is 'self_reward'"),
        ("selections", "chat and text completions have a field 'selection'"),
        ("selection_n", "chat and text completions have a field 'selection'"),
    ],
)
async def test_unknown_fields_of_ours_are_refused_with_the_fix(
    server: Server, path: str, field: str, advice: str
) -> None:
    answer = await server.post(path, REQUESTS[path] | {field: {"method": "best_of_n"}})
    error = answer.json()["error"]
    assert answer.status_code == error["code"] == 400
    assert error["type"] == "BadRequestError"
    assert error["param"] == field
    assert repr(field) in error["message"]
    assert advice in error["message"]
    assert server.engine.armed == []


async def test_unknown_fields_are_refused_with_anthropics_error_there(server: Server) -> None:
    answer = await server.post("/v1/messages", REQUESTS["/v1/messages"] | {"selection": {}})
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert "'selection'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", REQUESTS)
async def test_other_unknown_fields_pass_as_in_vllm(server: Server, path: str) -> None:
    answer = await server.post(path, REQUESTS[path] | {"select": 1, "self": 2})
    assert answer.status_code == 200


async def test_an_engines_request_error_is_a_400_that_names_the_field(server: Server) -> None:
    server.engine.error = RequestError("n=99 is too much: at most 8", "n")
    answer = await server.post(CHAT, REQUESTS[CHAT])
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "message": "n=99 is too much: at most 8",
            "type": "BadRequestError",
            "param": "n",
            "code": 400,
        }
    }


async def test_an_engines_error_reaches_anthropic_clients_in_their_form(server: Server) -> None:
    server.engine.error = RequestError("too long")
    answer = await server.post("/v1/messages", REQUESTS["/v1/messages"])
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    server.engine.error = RuntimeError("broken")
    answer = await server.post("/v1/messages", REQUESTS["/v1/messages"])
    assert answer.status_code == 500
    assert answer.json()["type"] == "error"


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
async def test_an_error_of_vllms_stays_as_it_is(server: Server, plain: Server, path: str) -> None:
    for either in (server, plain):
        either.chat.error = model_not_found()
    answer = await server.post(path, REQUESTS[path])
    reference = await plain.post(path, REQUESTS[path])
    assert answer.status_code == reference.status_code == 404
    assert answer.json() == reference.json()
    found = {name for name in answer.headers if name.startswith("x-laserve")}
    assert found == {"x-laserve-checkpoint"}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'"text"', b"{}"])
async def test_a_broken_body_is_answered_with_an_error_object(
    server: Server, path: str, content: bytes
) -> None:
    async with server.client() as client:
        headers = {"content-type": "application/json"}
        answer = await client.post(path, content=content, headers=headers)
    error = answer.json()["error"]
    assert answer.status_code == error["code"] == 400
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", CHAT, 405)]
)
async def test_what_the_framework_refuses_is_answered_with_an_error_object(
    server: Server, method: str, path: str, status: int
) -> None:
    async with server.client() as client:
        answer = await client.request(method, path)
    assert answer.status_code == answer.json()["error"]["code"] == status
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)
