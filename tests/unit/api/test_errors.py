"""Errors, of whichever part they are: their form, and their words."""

from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from vllm.entrypoints.serve.elastic_ep.middleware import set_scaling_elastic_ep

from laserve.errors import RequestError
from tests.unit.api.errors import error_of
from tests.unit.api.serving import BATCH, CHAT, OTHERS, REQUESTS, Server, build_app
from tests.unit.serving.fake_deployment import BODY_LIMIT
from tests.unit.serving.fake_serving import model_not_found

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app("--allowed-origins", '["*"]')


ALL = REQUESTS | OTHERS


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
async def test_an_error_of_vllms_says_what_it_says_there(
    server: Server, plain: Server, path: str
) -> None:
    for either in (server, plain):
        either.chat.error = model_not_found()
    answer = await server.post(path, REQUESTS[path])
    reference = await plain.post(path, REQUESTS[path])
    assert answer.status_code == reference.status_code == 404
    error, theirs = error_of(path, answer, 404), reference.json()["error"]
    # The types are Anthropic's on its route, where vLLM 0.32 has its own.
    assert error | {"type": theirs["type"]} == theirs
    found = {name for name in answer.headers if name.startswith("x-laserve")}
    assert found == {"x-laserve-checkpoint", "x-laserve-checkpoint-version", "x-laserve-weights"}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'"text"', b"{}"])
async def test_a_broken_body_is_answered_with_an_error_object(
    server: Server, path: str, content: bytes
) -> None:
    async with server.client() as client:
        headers = {"content-type": "application/json"}
        answer = await client.post(path, content=content, headers=headers)
    error_of(path, answer, 400)


@pytest.mark.parametrize("path", ALL)
async def test_a_body_that_is_too_long_is_answered_with_an_error_object(
    server: Server, path: str
) -> None:
    headers = {"content-type": "application/json", "origin": "http://page"}
    async with server.client() as client:
        answer = await client.post(path, content=b" " * (BODY_LIMIT + 1), headers=headers)
    assert "--max-request-bytes" in error_of(path, answer, 413)["message"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
@pytest.mark.parametrize("kind", [HTTPException, StarletteHTTPException])
async def test_every_status_has_one_type(
    server: Server, path: str, status: int, kind: type[StarletteHTTPException]
) -> None:
    server.engine.error = kind(status, "no")
    assert error_of(path, await server.post(path, REQUESTS[path]), status)["message"] == "no"


@pytest.mark.parametrize("path", ALL)
async def test_a_server_that_is_busy_with_itself_says_so_in_the_same_form(
    server: Server, path: str
) -> None:
    set_scaling_elastic_ep(True)
    try:
        answer = await server.post(path, ALL[path])
    finally:
        set_scaling_elastic_ep(False)
    assert "scaling" in error_of(path, answer, 503)["message"]


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_failure_is_answered_in_the_same_form(server: Server, path: str) -> None:
    server.engine.error = RuntimeError("broken")
    answer = await server.post(path, REQUESTS[path], origin="http://page")
    assert error_of(path, answer, 500)["message"] == "broken"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "fields", "message", "param"),
    [
        (CHAT, {"n": "x"}, "n: Input should be a valid integer, unable to parse", "body.n"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": 5}]},
            "messages.0.content: Input should be a valid string, or Input should be iterable, or ",
            "body.messages.0.content",
        ),
        (
            CHAT,
            {"messages": ["hi"]},
            'messages.0: Input should be a valid dictionary; it is "hi"',
            None,
        ),
        (CHAT, {"tools": [5]}, "tools.0: Input should be a valid dictionary", "body.tools.0"),
        (
            CHAT,
            {"structured_outputs": 5},
            "structured_outputs: Input should be a dictionary; it is 5",
            "body.structured_outputs",
        ),
        (CHAT, {"stop": 5}, "stop: Input should be a valid string, or ", "body.stop"),
        (
            CHAT,
            {"top_logprobs": 5},
            "when using `top_logprobs`, `logprobs` must be",
            "top_logprobs",
        ),
        (
            CHAT,
            {"messages": [{"role": "user", "content": "a"}] * 9, "stop": {}, "n": []},
            "n: ",
            None,
        ),
        (
            "/v1/completions",
            {"prompt": ["a", 1]},
            "prompt.0: Input should be a valid integer",
            None,
        ),
        ("/v1/responses", {"input": [5]}, "input.0: Input should be a valid dictionary", None),
        ("/v1/responses", {"input": 5}, "input: Input should be a valid string, or ", "body.input"),
        (
            "/v1/messages",
            {"messages": [{"role": "x", "content": "a"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'; it is \"x\"",
            None,
        ),
        (
            "/v1/messages/count_tokens",
            {"model": "tiny", "messages": 5},
            "messages: Input should be a valid list; it is 5",
            None,
        ),
        (BATCH, {"messages": 5}, "messages: Input should be a valid list; it is 5", None),
        ("/invocations", {"messages": 5}, "messages: Input should be a valid list; it is 5", None),
        ("/tokenize", {"prompt": 5}, "prompt: Input should be a valid string; it is 5", None),
    ],
)
async def test_a_field_at_fault_is_told_in_a_sentence(
    server: Server, path: str, fields: dict[str, Any], message: str, param: str | None
) -> None:
    error = error_of(path, await server.post(path, ALL.get(path, {}) | fields), 400)
    assert error["message"].startswith(message)
    assert param is None or error["param"] == param
    assert len(error["message"]) < 2000
    for python in ("{'", "[{", "('", "Error(", "None", "object at", " object has ", "instance of"):
        assert python not in error["message"]


async def test_a_thousand_faults_are_told_in_few_words(server: Server) -> None:
    body = REQUESTS[CHAT] | {"messages": [{"role": "user", "content": 5}] * 1000}
    error = error_of(CHAT, await server.post(CHAT, body), 400)
    assert error["message"].endswith("; and 995 fields more")
    assert len(error["message"]) < 2000


@pytest.mark.parametrize(
    ("content", "named"),
    [(b"{", "no valid JSON"), (b"[]", "no JSON object"), (b'"a"', "no JSON object"), (b"", "JSON")],
)
async def test_a_broken_invocation_is_refused(server: Server, content: bytes, named: str) -> None:
    headers = {"content-type": "application/json"}
    async with server.client() as client:
        answer = await client.post("/invocations", content=content, headers=headers)
    assert named in error_of("/invocations", answer, 400)["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", CHAT, 405), ("GET", "/v1/messages", 405)],
)
async def test_what_the_framework_refuses_is_answered_with_an_error_object(
    server: Server, method: str, path: str, status: int
) -> None:
    async with server.client() as client:
        answer = await client.request(method, path)
    error_of(path, answer, status)
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)
