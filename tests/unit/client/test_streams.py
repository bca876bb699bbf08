"""Streams: cut anywhere, broken anywhere, left anywhere."""

import json
from itertools import pairwise
from typing import Any

import pytest
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st

from laserve_client import (
    Answer,
    APIError,
    AsyncLaServe,
    Finished,
    InvalidResponseError,
    LaServe,
    Selected,
    ServerError,
    TextDelta,
)
from laserve_client._streams import EventDecoder, StreamReader
from tests.unit.client.conftest import result_of
from tests.unit.client.fake_server import MODEL, TEXT, FakeLaServe, chunks

BODY = {"model": MODEL, "stream_options": {"include_usage": True}}
WIRE = "".join(chunks({**BODY, "selection": {}})).encode()


def event(**chunk: Any) -> bytes:
    return f"data: {json.dumps({'model': MODEL, 'choices': [], **chunk})}\n\n".encode()


def choice(index: int = 0, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": reason}


def events_of(*parts: bytes, selecting: bool = False) -> list[Any]:
    reader = StreamReader(selecting=selecting)
    events = [found for part in parts for found in reader.feed(part)]
    return [*events, reader.end()]


async def test_a_stream_is_text_and_then_the_whole_answer(client: Any, fake: FakeLaServe) -> None:
    *deltas, last = await result_of(client.stream("2 + 2?", seed=1))
    assert all(isinstance(delta, TextDelta) for delta in deltas)
    assert len(deltas) > 1
    assert isinstance(last, Finished)
    assert type(last.answer) is Answer
    assert "".join(delta.text for delta in deltas) == last.answer.text == TEXT
    assert (last.answer.score, last.answer.finish_reason) == (0.9, "stop")
    assert last.answer.usage is not None
    assert last.answer.usage.total_tokens == 7
    assert fake.asked[-1].body["seed"] == 1


async def test_a_stream_ends_with_its_selection(client: Any, fake: FakeLaServe) -> None:
    options = {"method": "best_of_n", "n_max": 4}
    *_, last = await result_of(client.stream("2 + 2?", options))
    assert type(last.answer) is Selected
    assert last.answer.selection.samples_used == 4
    assert fake.asked[-1].body["selection"] == options


def test_a_stream_may_be_left(fake: FakeLaServe) -> None:
    with LaServe(fake.url) as client:
        stream = client.stream("2 + 2?")
        assert isinstance(next(stream), TextDelta)
        stream.close()
        assert client.generate("2 + 2?").text == TEXT


async def test_an_asynchronous_stream_may_be_left(fake: FakeLaServe) -> None:
    async with AsyncLaServe(fake.url) as client:
        stream = client.stream("2 + 2?")
        assert isinstance(await anext(stream), TextDelta)
        await stream.aclose()
        assert (await client.generate("2 + 2?")).text == TEXT


@given(st.lists(st.integers(0, len(WIRE))))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WIRE)]
    parts = [WIRE[start:end] for start, end in pairwise(edges)]
    assert events_of(*parts, selecting=True) == events_of(WIRE, selecting=True)


def test_lines_may_end_as_on_windows() -> None:
    assert events_of(WIRE.replace(b"\n", b"\r\n"), selecting=True) == events_of(
        WIRE, selecting=True
    )


def test_data_of_several_lines_is_one_event() -> None:
    decoder = EventDecoder()
    assert list(decoder.feed(b"event: a\nid: 1\ndata: {\ndata:}\n\n: comment\n\n")) == ["{\n}"]


def test_tool_calls_are_put_together() -> None:
    def tool(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "function": function}

    first = {"id": "call-1", **tool(0, name="add", arguments="")}
    *_, last = events_of(
        event(choices=[choice(tool_calls=[first])]),
        event(choices=[choice(tool_calls=[tool(0, arguments='{"a":')])]),
        event(choices=[choice(tool_calls=[tool(1, name="stop", arguments="{}")])]),
        event(choices=[choice(tool_calls=[tool(0, arguments=" 1}")])]),
        event(choices=[choice(reason="tool_calls")]),
    )
    calls = last.answer.tool_calls
    assert [(call.id, call.name, call.arguments) for call in calls] == [
        ("call-1", "add", '{"a": 1}'),
        (None, "stop", "{}"),
    ]
    assert last.answer.text == ""


def test_other_choices_are_left_out() -> None:
    first, last = events_of(
        event(choices=[choice(1, content="another"), choice(0, content="one")]),
        event(choices=[choice(0, "stop")]),
        event(choices=[choice(1, "length")]),
    )
    assert first.text == last.answer.text == "one"
    assert last.answer.finish_reason == "stop"


def test_an_error_within_a_stream_is_raised_with_its_status() -> None:
    error = {"message": "out of cards", "type": "Kind", "param": None, "code": 400}
    with pytest.raises(APIError, match="out of cards") as caught:
        events_of(event(choices=[choice(content="a")]), event(error=error))
    assert caught.value.status == 400


def test_an_error_within_a_stream_without_a_status_is_the_servers() -> None:
    with pytest.raises(ServerError, match="out of cards"):
        events_of(event(error={"message": "out of cards", "code": "weird"}))


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"", "before the answer was finished"),
        (event(choices=[choice(content="a")]) + b"data: [DONE]\n\n", "before the answer was"),
        (b"data: {\n\n", "no JSON"),
        (b"data: [1]\n\n", "no JSON object"),
        (b'data: {"model": "a"}\n\n', "'choices'"),
        (event(choices=[{"delta": {}}]), "'choices.0.index'"),
    ],
)
async def test_a_stream_that_is_not_what_the_api_says_is_a_clear_error(
    client: Any, fake: FakeLaServe, wire: bytes, message: str
) -> None:
    await result_of(client.generate("2 + 2?"))  # the model's name
    fake.failures.append(Response(wire, media_type="text/event-stream"))
    with pytest.raises(InvalidResponseError, match=message):
        await result_of(client.stream("2 + 2?"))


async def test_a_selection_that_is_missing_is_a_clear_error(client: Any, fake: FakeLaServe) -> None:
    await result_of(client.generate("2 + 2?"))
    wire = "".join(chunks(BODY))
    fake.failures.append(Response(wire, media_type="text/event-stream"))
    with pytest.raises(InvalidResponseError, match="no 'selection'"):
        await result_of(client.stream("2 + 2?", {"n_max": 2}))
