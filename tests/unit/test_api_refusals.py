"""What is refused: how, with which words, and before anything is generated."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from vllm.entrypoints.serve.elastic_ep.middleware import set_scaling_elastic_ep
from vllm.exceptions import VLLMValidationError

from laserve.errors import RequestError
from tests.unit.api_server import BATCH, CHAT, OTHERS, REQUESTS, Server, build_app
from tests.unit.fake_deployment import BODY_LIMIT
from tests.unit.fake_serving import model_not_found

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app("--enable-scale-out", "--allowed-origins", '["*"]')


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


def error_of(path: str, answer: httpx.Response, status: int) -> dict[str, Any]:
    """The error in an answer, in the form of the path's API."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    error: dict[str, Any] = body["error"]
    if path.startswith("/v1/messages"):
        assert body.keys() == {"type", "error"}
        assert body["type"] == "error"
        assert error.keys() == {"type", "message"}
        assert error["type"] == ANTHROPICS[status]
    else:
        assert body.keys() == {"error"}
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["code"] == status
        assert error["type"] == TYPES[status]
    return error


ANTHROPICS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}
TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    413: "RequestEntityTooLargeError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
ALL = REQUESTS | OTHERS


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("value", ["false", 0, {}])
async def test_self_reward_of_another_type_is_refused(
    server: Server, path: str, value: object
) -> None:
    answer = await server.post(path, ALL[path] | {"self_reward": value})
    error = error_of(path, answer, 400)
    assert error.get("param", "body.self_reward") == "body.self_reward"
    assert error["message"].startswith("self_reward: Input should be a valid boolean")
    assert server.engine.armed == []


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("nulls", [{"self_reward": None}, {"selection": None}, {"best_of": None}])
async def test_null_is_not_given(server: Server, path: str, nulls: dict[str, Any]) -> None:
    answer = await server.post(path, ALL[path] | nulls)
    assert answer.status_code == 200, answer.text
    assert server.engine.armed == [True]


@pytest.mark.parametrize("path", [*REQUESTS, BATCH, "/invocations"])
@pytest.mark.parametrize("best_of", [2, 16, "2", [2]])
async def test_best_of_is_refused_with_what_this_server_has_instead(
    server: Server, path: str, best_of: object
) -> None:
    answer = await server.post(path, ALL[path] | {"best_of": best_of})
    if path == BATCH and not isinstance(best_of, int | str):
        error_of(path, answer, 400)  # a field of vLLM's there
        return
    assert '"method": "best_of_n"' in error_of(path, answer, 400)["message"]
    assert server.engine.armed == []


@pytest.mark.parametrize("fields", [{"best_of": 1}, {"best_of": 2, "n": 2}])
async def test_best_of_that_asks_for_nothing_more_passes(
    server: Server, fields: dict[str, Any]
) -> None:
    answer = await server.post("/v1/completions", REQUESTS["/v1/completions"] | fields)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", [BATCH, "/v1/responses", "/v1/messages"])
async def test_a_route_that_does_not_select_says_so(server: Server, path: str) -> None:
    answer = await server.post(path, ALL[path] | {"selection": {"n_max": 4}})
    assert "other routes select nothing" in error_of(path, answer, 400)["message"]
    assert server.engine.armed == []


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/invocations"])
@pytest.mark.parametrize(
    ("selection", "named"),
    [
        ({"nmax": 4}, "selection.nmax: Extra inputs are not permitted"),
        ({"n_max": 0}, "selection.n_max: Input should be greater than or equal to 1; it is 0"),
        ({"n_max": "4"}, 'selection.n_max: Input should be a valid integer; it is "4"'),
        ("majority", 'selection: Input should be a valid dictionary; it is "majority"'),
        ({"n_max": 4, "nmax": None}, "selection.nmax"),
        ({"\ud800": 4}, "unable to parse raw data as a unicode string"),
    ],
)
async def test_a_selection_of_another_shape_is_refused_by_name(
    server: Server, path: str, selection: object, named: str
) -> None:
    content = json.dumps(ALL[path] | {"selection": selection})  # httpx encodes no half character
    async with server.client() as client:
        headers = {"content-type": "application/json"}
        answer = await client.post(path, content=content, headers=headers)
    assert named in error_of(path, answer, 400)["message"]
    assert server.engine.armed == []


async def test_a_background_response_that_is_to_be_scored_is_refused(server: Server) -> None:
    path = "/v1/responses"
    body = REQUESTS[path] | {"background": True, "self_reward": True}
    assert "Leave one of them out" in error_of(path, await server.post(path, body), 400)["message"]


UNSCORED: dict[str, dict[str, Any]] = {
    "/generative_scoring": {"model": "tiny", "query": "a", "items": ["b"], "label_token_ids": [1]},
    "/inference/v1/generate": {"model": "tiny", "token_ids": [1], "sampling_params": {}},
}


@pytest.mark.parametrize("path", UNSCORED)
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"self_reward": True}, "gives no scores"),
        ({"self_reward": "yes"}, "gives no scores"),
        ({"selection": {}}, "other routes select nothing"),
        ({"selection": {"n_max": 4}, "self_reward": False}, "other routes select nothing"),
        ({"self_rewards": False}, "the field is 'self_reward'"),
        ({"best_of": 4}, "best_of_n"),
    ],
)
async def test_a_route_without_scores_refuses_to_be_asked_for_one(
    server: Server, path: str, fields: dict[str, Any], named: str
) -> None:
    answer = await server.post(path, UNSCORED[path] | fields)
    assert named in error_of(path, answer, 400)["message"]


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
async def test_a_form_may_not_ask_for_a_score_either(path: str) -> None:
    server = Server(build_app(tasks=("generate", "transcription")))
    async with server.client() as client:
        for fields in ({"selection": "{}"}, {"self_reward": "true"}):
            files = {"file": ("a.wav", b"RIFF")}
            answer = await client.post(path, data={"model": "tiny", **fields}, files=files)
            assert error_of(path, answer, 400)["param"] == next(iter(fields))


async def test_a_route_without_scores_takes_what_asks_for_none(server: Server) -> None:
    class Scoring:
        async def create_generative_scoring(self, request: Any, raw_request: Any) -> Any:
            raise VLLMValidationError("it came through", parameter="items")

    server.app.state.serving_generative_scoring = Scoring()
    path = "/generative_scoring"
    body = UNSCORED[path] | {"self_reward": None, "selection": None}
    for fields in (body, body | {"self_reward": False}):
        assert error_of(path, await server.post(path, fields), 400)["message"] == "it came through"


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
    assert found == {"x-laserve-checkpoint"}


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
