"""Streams: the reward rides on the event that ends the answer, all else passes untouched."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from laserve.api.generating.sse import amended
from laserve.core.types import Status
from tests.unit.api.serving import REQUESTS, Server
from tests.unit.serving.fake_serving import PARAMETERS, TRICKY_TEXT, reward_of

pytestmark = pytest.mark.asyncio

CHAT, COMPLETION, RESPONSE, MESSAGE = (body | {"stream": True} for body in REQUESTS.values())


def expected(choice: int = 0) -> dict[str, Any]:
    return reward_of(choice).model_dump(mode="json")


async def events(server: Server, path: str, body: dict[str, Any]) -> list[str]:
    """The raw events of a streamed answer."""
    answer = await server.post(path, body)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = sorted(name for name in answer.headers if name.startswith("x-laserve"))
    assert names == ["x-laserve-checkpoint", "x-laserve-checkpoint-version", "x-laserve-weights"]
    assert answer.text.endswith("\n\n")
    return answer.text.removesuffix("\n\n").split("\n\n")


def data(event: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(event.partition("data: ")[2])
    return content


async def test_each_chat_choice_ends_with_its_reward(server: Server) -> None:
    stream = await events(server, "/v1/chat/completions", CHAT | {"n": 3})
    assert stream[-1] == "data: [DONE]"
    choices = [data(event)["choices"][0] for event in stream[:-1]]
    assert {
        choice["index"]: choice["self_reward"] for choice in choices if choice["finish_reason"]
    } == {i: expected(i) for i in range(3)}
    others = [choice for choice in choices if not choice["finish_reason"]]
    assert [choice["delta"] for choice in others] == [{"content": TRICKY_TEXT}] * 3
    assert not any("self_reward" in choice for choice in others)


async def test_the_last_delta_of_a_chat_choice_carries_its_reward_too(server: Server) -> None:
    stream = await events(server, "/v1/chat/completions", CHAT | {"n": 3})
    choices = [data(event)["choices"][0] for event in stream[:-1]]
    ends = [choice for choice in choices if choice["finish_reason"]]
    assert {choice["index"] for choice in ends} == {0, 1, 2}
    for choice in ends:
        fields = choice["delta"]["provider_specific_fields"]
        assert fields == {"self_reward": expected(choice["index"])}


async def test_a_choice_that_is_no_chunks_has_its_reward_once(server: Server) -> None:
    answer = await server.post("/v1/chat/completions", REQUESTS["/v1/chat/completions"])
    assert "provider_specific_fields" not in answer.text
    stream = await events(server, "/v1/completions", COMPLETION)
    assert "provider_specific_fields" not in "".join(stream)


async def test_choices_of_several_prompts_end_with_their_rewards(server: Server) -> None:
    body = COMPLETION | {"prompt": ["a", "b"], "n": 2}
    stream = await events(server, "/v1/completions", body)
    choices = [data(event)["choices"][0] for event in stream[:-1]]
    assert {choice["index"]: choice["self_reward"] for choice in choices} == {
        i: expected(i) for i in range(4)
    }
    assert {choice["text"] for choice in choices} == {TRICKY_TEXT}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT | {"n": 2, "stream_options": {"include_usage": True}}),
        ("/v1/completions", COMPLETION),
        ("/v1/responses", RESPONSE),
        ("/v1/messages", MESSAGE),
    ],
)
async def test_without_the_reward_every_event_is_vllms_byte_for_byte(
    server: Server, path: str, body: dict[str, Any]
) -> None:
    plain = await events(server, path, body | {"self_reward": False})
    scored = await events(server, path, body)
    assert len(scored) == len(plain)
    added = 0
    for event, reference in zip(scored, plain, strict=True):
        if event == reference:
            continue
        added += 1
        head, _, text = event.partition("data: ")
        assert head == reference.partition("data: ")[0]
        content = json.loads(text)
        for place in (content, content.get("response", {}), *content.get("choices", ())):
            reward = place.pop("self_reward", None)
            if "delta" in place and path == "/v1/chat/completions":
                assert place["delta"].pop("provider_specific_fields") == {"self_reward": reward}
        assert content == data(reference)
    assert added == body.get("n", 1)


async def test_the_last_event_of_a_response_carries_the_reward(server: Server) -> None:
    stream = await events(server, "/v1/responses", RESPONSE)
    created, completed = map(data, stream)
    assert "self_reward" not in created["response"]
    assert completed["type"] == "response.completed"
    assert completed["response"]["self_reward"] == expected()
    assert server.engine.armed == [True]


async def test_the_event_that_ends_a_message_carries_the_reward(server: Server) -> None:
    stream = await events(server, "/v1/messages", MESSAGE)
    (end,) = [event for event in stream if "self_reward" in event]
    assert end.startswith("event: message_delta\n")
    assert data(end)["delta"]["stop_reason"] == "end_turn"
    assert data(end)["self_reward"] == expected()


async def test_a_streamed_beam_search_says_unsupported(server: Server) -> None:
    stream = await events(server, "/v1/chat/completions", CHAT | {"use_beam_search": True})
    last = data(stream[-2])["choices"][0]
    assert last["self_reward"] == PARAMETERS.unscored(Status.UNSUPPORTED).model_dump(mode="json")
    assert server.engine.armed == [False]


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", CHAT | {"n": 2}), ("/v1/responses", RESPONSE)]
)
async def test_concurrent_streams_keep_their_rewards_apart(
    server: Server, path: str, body: dict[str, Any]
) -> None:
    streams = await asyncio.gather(*(events(server, path, body) for _ in range(8)))
    assert all(stream == streams[0] for stream in streams)


async def test_a_stream_that_is_left_closes_what_it_reads() -> None:
    closed = False

    async def source() -> AsyncGenerator[str, None]:
        nonlocal closed
        try:
            yield "first"
            yield "second"
        finally:
            closed = True

    stream = amended(source(), "nothing", lambda body: None)
    assert await anext(stream) == "first"
    await stream.aclose()
    assert closed


async def test_a_cancelled_reader_cancels_what_produces_the_event() -> None:
    cancelled = False

    async def source() -> AsyncGenerator[str, None]:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise
        yield "never"

    reader = asyncio.create_task(anext(amended(source(), "nothing", lambda body: None)))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert cancelled
