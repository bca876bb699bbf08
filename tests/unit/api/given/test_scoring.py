"""How the completions of a request are scored: at once, with one end for all."""

import asyncio
import json
from typing import Any

import pytest
from vllm.exceptions import VLLMValidationError

from laserve.api.generating.schemas import MAX_SEQUENCES
from laserve.api.given.routes import AT_ONCE
from tests.unit.api.given.stand_ins import (
    RERANKS,
    SELF_REWARD,
    TEXT,
    Server,
)

pytestmark = pytest.mark.asyncio


async def test_the_completions_are_scored_at_once_but_not_without_bound(server: Server) -> None:
    for count, at_once in ((10, 10), (MAX_SEQUENCES, AT_ONCE)):
        server.engine.most_at_once = 0
        body = {"prompt": "x", "completion": [str(index) for index in range(count)]}
        answer = await server.post(SELF_REWARD, body)
        assert [item["index"] for item in answer.json()["data"]] == list(range(count))
        assert server.engine.most_at_once == at_once
        assert server.completion.rendered[-1].n == at_once


async def test_one_failure_cancels_the_rest_and_is_answered_as_itself(server: Server) -> None:
    server.engine.holds = True
    server.engine.error = VLLMValidationError("no such priority", parameter="priority")
    answer = await server.post(SELF_REWARD, TEXT | {"completion": ["a", "b", "c", "d"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "priority"
    assert server.engine.running == 0


async def test_a_client_that_disconnects_cancels_all(server: Server) -> None:
    server.engine.holds = True
    body = json.dumps(TEXT | {"completion": ["a", "b", "c"]}).encode()
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": body})

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": SELF_REWARD,
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
        "app": server.app,
    }
    request = asyncio.create_task(server.app(scope, messages.get, send))
    await server.engine.three_run.wait()
    messages.put_nowait({"type": "http.disconnect"})
    await request
    await server.engine.none_runs.wait()
    assert server.engine.cancelled == 3


async def test_the_openapi_document_shows_both_routes(server: Server) -> None:
    document = server.app.openapi()
    for path in (SELF_REWARD, *RERANKS):
        operation = document["paths"][path]["post"]
        assert "$ref" in operation["requestBody"]["content"]["application/json"]["schema"]
        assert "$ref" in operation["responses"]["200"]["content"]["application/json"]["schema"]
    properties = document["components"]["schemas"]["SelfRewardRequest"]["properties"]
    kinds = {option.get("type") for option in properties["completion"]["anyOf"]}
    assert kinds == {"string", "array", "null"}
