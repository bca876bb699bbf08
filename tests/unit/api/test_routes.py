"""Answers in one piece: where the rewards stand, and what stays vLLM's own."""

import json
from typing import Any

import pytest
from fastapi import Request

from laserve.api.generating.schemas import MAX_SEQUENCES
from laserve.api.wire.headers import reward_headers
from laserve.core.types import Method, SelfReward, Status
from tests.unit.api.serving import BATCH, CHAT, MESSAGES, OTHERS, REQUESTS, Server
from tests.unit.serving.fake_serving import PARAMETERS, reward_of

pytestmark = pytest.mark.asyncio

SCORE_HEADERS = (
    *("score", "confidence", "status", "method"),
    *("checkpoint", "checkpoint-version", "weights"),
)
UNSUPPORTED = PARAMETERS.unscored(Status.UNSUPPORTED).model_dump(mode="json")


def expected(choice: int = 0) -> dict[str, Any]:
    return reward_of(choice).model_dump(mode="json")


async def test_each_chat_choice_carries_its_own_reward(server: Server) -> None:
    answer = await server.post(CHAT, REQUESTS[CHAT] | {"n": 3})
    assert answer.status_code == 200
    choices = answer.json()["choices"]
    assert [choice["self_reward"] for choice in choices] == [expected(i) for i in range(3)]
    assert choices[0]["self_reward"] == {
        "score": 0.5,
        "logprob": -5.0,
        "confidence": None,
        "status": "scored",
        "method": "in_flight",
        "checkpoint": "org/tiny",
        "checkpoint_version": 1,
        "weights": "0123456789ab",
    }


async def test_each_conversation_of_a_batch_carries_its_own_reward(server: Server) -> None:
    body = OTHERS[BATCH] | {"messages": [MESSAGES] * 3}
    answer = await server.post(BATCH, body)
    choices = answer.json()["choices"]
    assert [choice["self_reward"] for choice in choices] == [expected(i) for i in range(3)]
    assert answer.headers["x-laserve-score"] == "0.5"
    unscored = await server.post(BATCH, body | {"self_reward": False})
    assert not any("self_reward" in choice for choice in unscored.json()["choices"])
    assert server.engine.armed == [True] * 3 + [False] * 3


async def test_a_batch_has_no_more_conversations_than_others_can_wait_for(server: Server) -> None:
    body = OTHERS[BATCH] | {"messages": [MESSAGES] * (MAX_SEQUENCES + 1)}
    answer = await server.post(BATCH, body)
    assert answer.status_code == 400
    assert "spread them over several requests" in answer.json()["error"]["message"]
    assert server.engine.armed == []


@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
async def test_an_invocation_is_answered_as_the_route_of_its_body(
    server: Server, path: str
) -> None:
    for fields in ({"n": 2}, {"self_reward": False}, {"stream": True}):
        body = REQUESTS[path] | fields
        answer, reference = await server.post("/invocations", body), await server.post(path, body)
        assert answer.status_code == reference.status_code == 200
        assert answer.content == reference.content
        assert answer.headers == reference.headers


async def test_choices_of_several_prompts_carry_their_own_rewards(server: Server) -> None:
    body = REQUESTS["/v1/completions"] | {"prompt": ["a", "b"], "n": 2}
    choices = (await server.post("/v1/completions", body)).json()["choices"]
    assert [choice["self_reward"] for choice in choices] == [expected(i) for i in range(4)]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
async def test_apis_with_one_answer_carry_the_reward_at_the_top(server: Server, path: str) -> None:
    answer = await server.post(path, REQUESTS[path])
    assert answer.status_code == 200
    assert answer.json()["self_reward"] == expected()


async def test_a_stored_response_keeps_its_reward(server: Server) -> None:
    await server.post("/v1/responses", REQUESTS["/v1/responses"])
    async with server.client() as client:
        stored = await client.get("/v1/responses/resp_1")
    assert stored.json()["self_reward"] == expected()


@pytest.mark.parametrize("path", REQUESTS)
async def test_headers_carry_the_first_reward_and_leave_out_nulls(
    server: Server, path: str
) -> None:
    headers = (await server.post(path, REQUESTS[path])).headers
    assert {name: headers.get(f"x-laserve-{name}") for name in SCORE_HEADERS} == {
        "score": "0.5",
        "confidence": None,
        "status": "scored",
        "method": "in_flight",
        "checkpoint": "org/tiny",
        "checkpoint-version": "1",
        "weights": "0123456789ab",
    }
    assert "access-control-expose-headers" not in headers


async def test_a_browser_may_read_the_headers(server: Server) -> None:
    answer = await server.post(CHAT, REQUESTS[CHAT], origin="http://page")
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert set(exposed) == {name for name in answer.headers if name.startswith("x-laserve-")}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_self_reward_false_is_plain_vllm(
    server: Server, plain: Server, path: str, stream: bool
) -> None:
    body = REQUESTS[path] | {"stream": stream}
    answer = await server.post(path, body | {"self_reward": False})
    reference = await plain.post(path, body)
    assert answer.status_code == reference.status_code == 200
    assert answer.headers == reference.headers
    assert answer.content == reference.content
    assert server.engine.armed == [False]


@pytest.mark.parametrize("path", REQUESTS)
async def test_only_the_rewards_are_added_to_what_vllm_answers(
    server: Server, plain: Server, path: str
) -> None:
    body = (await server.post(path, REQUESTS[path])).json()
    for place in (body, *body.get("choices", ())):
        place.pop("self_reward", None)
    assert body == (await plain.post(path, REQUESTS[path])).json()


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (CHAT, {"use_beam_search": True, "n": 2}),
        ("/v1/completions", {"use_beam_search": True, "n": 2}),
        ("/v1/completions", {"echo": True, "max_tokens": 0}),
    ],
)
async def test_what_cannot_be_scored_runs_unarmed_and_says_unsupported(
    server: Server, path: str, fields: dict[str, Any]
) -> None:
    answer = await server.post(path, REQUESTS[path] | fields)
    choices = answer.json()["choices"]
    assert [choice["self_reward"] for choice in choices] == [UNSUPPORTED] * fields.get("n", 1)
    assert not any(server.engine.armed)
    assert answer.headers["x-laserve-status"] == "unsupported"
    assert "x-laserve-score" not in answer.headers


async def test_a_background_response_says_unsupported(server: Server) -> None:
    answer = await server.post("/v1/responses", REQUESTS["/v1/responses"] | {"background": True})
    assert answer.json()["self_reward"] == UNSUPPORTED
    assert server.engine.armed == [False]


async def test_a_confidence_and_an_odd_checkpoint_name_fit_into_headers() -> None:
    reward = SelfReward(
        score=1.0,
        logprob=-1.0,
        confidence=0.25,
        status=Status.SCORED,
        method=Method.POST_HOC,
        checkpoint="smøl\r\nx: y",
    )
    headers = reward_headers(Request({"type": "http", "headers": []}), reward)
    assert headers["x-laserve-confidence"] == "0.25"
    assert headers["x-laserve-checkpoint"] == "sm%C3%B8l%0D%0Ax:%20y"


async def test_load_metrics_stay_on_request(server: Server) -> None:
    answer = await server.post(CHAT, REQUESTS[CHAT], **{"endpoint-load-metrics-format": "json"})
    assert answer.headers["endpoint-load-metrics"].startswith("JSON")
    assert "x-laserve-score" in answer.headers


async def test_the_openapi_document_shows_what_is_added(server: Server) -> None:
    async with server.client() as client:
        document = (await client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]

    def schema_of(content: dict[str, Any]) -> dict[str, Any]:
        name = content["application/json"]["schema"]["$ref"].removeprefix("#/components/schemas/")
        properties: dict[str, Any] = schemas[name]["properties"]
        return properties

    for path in REQUESTS:
        post = document["paths"][path]["post"]
        flag = schema_of(post["requestBody"]["content"])["self_reward"]
        assert flag["type"] == "boolean"
        assert flag["default"] is True
        content = post["responses"]["200"]["content"]
        assert "text/event-stream" in content
        answer = schema_of(content)
        if "choices" in answer:
            choice = answer["choices"]["items"]["$ref"].removeprefix("#/components/schemas/")
            answer = schemas[choice]["properties"]
        assert "SelfReward" in json.dumps(answer["self_reward"])
    assert set(schemas["SelfReward"]["properties"]) == set(SelfReward.model_fields)
