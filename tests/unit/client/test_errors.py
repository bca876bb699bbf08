"""Whatever goes wrong is one of our errors, says what, and keeps its cause."""

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from fastapi.responses import JSONResponse, PlainTextResponse
from hypothesis import given
from hypothesis import strategies as st

import laserve_client
from laserve_client import (
    APIError,
    AsyncLaServe,
    AuthenticationError,
    BadRequestError,
    CheckpointJob,
    CheckpointRejectedError,
    ClientError,
    ConnectionFailedError,
    InvalidResponseError,
    LaServe,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
    UnavailableError,
)
from laserve_client._responses import api_error, retry_after_s
from laserve_client._types import Answer
from tests.unit.client.conftest import result_of
from tests.unit.client.fake_server import (
    MODEL,
    FakeLaServe,
    completion,
    error,
    load,
    ranking,
    reward,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
URL = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (413, BadRequestError),
        (422, BadRequestError),
        (429, RateLimitedError),
        (500, ServerError),
        (501, ServerError),
        (503, UnavailableError),
        (599, ServerError),
    ],
)
async def test_a_status_is_an_error_of_its_class_with_what_the_server_said(
    client: Any, fake: FakeLaServe, status: int, kind: type[APIError]
) -> None:
    fake.failures += [error(status, "n_max is 0: give 1 or more", "selection.n_max")] * 3
    with pytest.raises(kind) as caught:
        await result_of(client.select("2 + 2?", n_max=0, model=MODEL))
    assert type(caught.value) is kind
    assert caught.value.message == "n_max is 0: give 1 or more"
    assert str(caught.value) == f"n_max is 0: give 1 or more (HTTP {status})"
    assert (caught.value.status, caught.value.type) == (status, "TheType")
    assert caught.value.param == "selection.n_max"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Bad Gateway"),
        (b"<html>proxy</html>", "<html>proxy</html>"),
        (b'{"error": "in short"}', "in short"),
        (b'{"error": {"message": null}}', "Bad Gateway"),
        (b'{"detail": "Not like OpenAI"}', '{"detail": "Not like OpenAI"}'),
        (b"[" * 100_000, "[" * 200 + "..."),
        (b"\xff", "\ufffd"),
    ],
)
def test_an_error_without_an_error_object_tells_what_there_is(body: bytes, message: str) -> None:
    assert api_error(502, {}, body).message == message


def test_a_status_that_nobody_knows_is_an_error() -> None:
    assert type(api_error(307, {}, b"")) is APIError
    assert str(api_error(799, {}, b"")) == "unknown status (HTTP 799)"


@pytest.mark.parametrize(
    "raised",
    [
        BadRequestError("a", 400, "b", "c", 1.5),
        ConnectionFailedError("a", True),
        CheckpointRejectedError(CheckpointJob(**load(1, "/a", "auto"))),
    ],
)
def test_errors_survive_pickling(raised: ClientError) -> None:
    again = pickle.loads(pickle.dumps(raised))
    assert (type(again), vars(again)) == (type(raised), vars(raised))


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


EXCEPTIONS = [httpx.TransportError, *subclasses(httpx.TransportError), httpx.DecodingError]


class FailingStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off after its beginning."""

    def __init__(self, raised: Exception) -> None:
        self._raised = raised

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"choices": '
        raise self._raised

    async def __aiter__(self) -> Any:
        yield b'{"choices": '
        raise self._raised


@pytest.fixture(params=[LaServe, AsyncLaServe])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("status", [None, 200, 400])
@pytest.mark.parametrize("exception", EXCEPTIONS)
async def test_no_exception_of_httpx_gets_through(
    kind: Any, exception: type[Exception], status: int | None
) -> None:
    """Raised as the request is sent, and as the body of the answer is read."""
    raised = exception("what httpx said")

    def answer(_: httpx.Request) -> httpx.Response:
        if status is None:
            raise raised
        return httpx.Response(status, stream=FailingStream(raised))

    transport = httpx.MockTransport(answer)
    client = kind(URL, MODEL, transport=transport, max_retries=0)
    for call in (client.generate, client.stream):
        with pytest.raises(ClientError, match="what httpx said") as caught:
            await result_of(call("2 + 2?"))
        assert caught.value.__cause__ is raised
        timed_out = isinstance(raised, httpx.TimeoutException)
        assert isinstance(caught.value, TimedOutError) == timed_out
    await result_of(client.close())


async def test_a_port_where_nobody_listens_is_a_clear_error(kind: Any) -> None:
    client = kind(URL, max_retries=0)
    for call in (client.generate, client.stream):
        with pytest.raises(ConnectionFailedError, match="ConnectError") as caught:
            await result_of(call("2 + 2?"))
        assert str(caught.value).startswith(f"the connection failed ({URL}): ConnectError")
        assert isinstance(caught.value.__cause__, httpx.ConnectError)
    await result_of(client.close())


async def test_an_address_is_told_without_the_password_in_it(kind: Any) -> None:
    client = kind("http://user:secret@127.0.0.1:1/path", max_retries=0)
    with pytest.raises(ConnectionFailedError, match=f"the connection failed .{URL}.:") as caught:
        await result_of(client.generate("2 + 2?"))
    assert "secret" not in str(caught.value)
    await result_of(client.close())


async def test_a_server_that_is_slower_than_the_timeout_is_a_clear_error(
    kind: Any, fake: FakeLaServe
) -> None:
    fake.rerank_s = 0.5
    client = kind(fake.url, MODEL, timeout=httpx.Timeout(10.0, read=0.05))
    with pytest.raises(TimedOutError, match=f"took too long .{fake.url}.: ReadTimeout"):
        await result_of(client.rerank("2 + 2?", ["a"]))
    await result_of(client.close())
    # It would only be computed a second time.
    assert fake.paths() == ["/v1/rerank"]


CHAT = completion({"model": MODEL}, 1)


@pytest.mark.parametrize(
    ("method", "arguments", "body", "message"),
    [
        ("generate", ("a",), {**CHAT, "choices": []}, "'choices'"),
        ("generate", ("a",), {"model": MODEL}, "'choices': Field required"),
        ("generate", ("a",), {**CHAT, "choices": [{"message": 1}]}, "'choices.0.message'"),
        ("generate", ("a",), {**CHAT, "usage": {}}, "'usage.prompt_tokens'"),
        ("select", ("a",), CHAT, "no 'selection': is this server a LaServe?"),
        ("select", ("a",), {**CHAT, "selection": {}}, "'selection.method'"),
        ("score", ("a", "b"), {}, "'data'"),
        ("score", ("a", "b"), {"data": []}, "1 completions were sent"),
        (
            "score",
            ("a", "b"),
            {"data": [{"index": 1, "self_reward": reward("b")}]},
            "scores others: \\[1\\]",
        ),
        ("rerank", ("a", ["b"]), {}, "'results'"),
        (
            "rerank",
            ("a", ["b"]),
            ranking({"model": MODEL, "documents": ["b", "c"], "top_n": None}),
            "1 documents were sent, and the answer ranks number 1",
        ),
    ],
)
async def test_an_answer_that_lacks_something_is_a_clear_error(
    client: Any,
    fake: FakeLaServe,
    method: str,
    arguments: tuple[Any, ...],
    body: dict[str, Any],
    message: str,
) -> None:
    fake.failures.append(JSONResponse(body))
    with pytest.raises(InvalidResponseError, match=message):
        await result_of(getattr(client, method)(*arguments, model=MODEL))


@pytest.mark.parametrize("body", ["", "<html>", "[1]", "null", '{"a": ', "[" * 100_000])
async def test_an_answer_that_is_no_json_object_is_a_clear_error(
    client: Any, fake: FakeLaServe, body: str
) -> None:
    fake.failures.append(PlainTextResponse(body))
    with pytest.raises(InvalidResponseError, match="the answer is no JSON"):
        await result_of(client.generate("2 + 2?", model=MODEL))


async def test_a_server_without_a_model_is_a_clear_error(client: Any, fake: FakeLaServe) -> None:
    fake.failures.append(JSONResponse({"object": "list", "data": []}))
    with pytest.raises(InvalidResponseError, match="'data'"):
        await result_of(client.generate("2 + 2?"))


async def test_a_candidate_without_a_text_is_a_clear_error(client: Any, fake: FakeLaServe) -> None:
    called = {"index": 0, "message": {"content": None}, "finish_reason": "tool_calls"}
    fake.failures.append(JSONResponse({**CHAT, "choices": [called]}))
    with pytest.raises(InvalidResponseError, match="no text to rerank"):
        await result_of(client.rerank_from(client, "2 + 2?", n=1, model=MODEL))


async def test_fields_that_a_newer_server_adds_are_kept(client: Any, fake: FakeLaServe) -> None:
    body = json.loads(json.dumps(CHAT))
    body["choices"][0]["self_reward"] |= {"status": "a_new_status", "entropy": 1.5}
    fake.failures.append(JSONResponse(body))
    answer: Answer = await result_of(client.generate("2 + 2?", model=MODEL))
    assert answer.self_reward is not None
    assert answer.self_reward.status == "a_new_status"
    assert (answer.self_reward.model_extra or {})["entropy"] == 1.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 2.5 ", 2.5),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), 0.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_read_or_passed_over(value: str) -> None:
    seconds = retry_after_s(value, NOW)
    assert seconds is None or seconds >= 0.0


@given(st.integers(300, 999), st.binary())
def test_any_error_answer_is_told(status: int, body: bytes) -> None:
    assert str(api_error(status, {}, body))


def test_every_error_of_the_tree_can_be_imported() -> None:
    public = {kind for kind in subclasses(ClientError) if not kind.__name__.startswith("_")}
    assert {kind.__name__ for kind in public} <= set(laserve_client.__all__)
