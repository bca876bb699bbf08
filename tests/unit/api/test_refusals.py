"""What is refused: how, with which words, and before anything is generated."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from vllm.exceptions import VLLMValidationError

from tests.unit.api.errors import error_of
from tests.unit.api.serving import BATCH, CHAT, OTHERS, REQUESTS, Server, build_app

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app("--enable-scale-out")


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
