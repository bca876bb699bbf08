"""What is tried again, when, and what is not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve_client import (
    ClientError,
    ConnectionFailedError,
    LaServe,
    RateLimitedError,
    TimedOutError,
    UnavailableError,
)
from laserve_client._retries import LONGEST_BACKOFF_S, LONGEST_RETRY_AFTER_S, Retries
from tests.unit.client.conftest import Waits, only_noting, result_of
from tests.unit.client.fake_server import MODEL, TEXT, FakeLaServe, error

CALLS = ["generate", "stream"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_after_longer_and_longer_waits(
    client: Any, fake: FakeLaServe, waits: Waits, status: int, call: str
) -> None:
    fake.failures += [error(status, "busy")] * 2
    await result_of(getattr(client, call)("2 + 2?", model=MODEL))
    assert waits == [0.5, 1.0]
    assert len(fake.asked) == 3
    assert fake.asked[0].body == fake.asked[2].body


async def test_after_max_retries_the_error_is_raised(
    client: Any, fake: FakeLaServe, waits: Waits
) -> None:
    fake.failures += [error(429, "busy")] * 3
    with pytest.raises(RateLimitedError, match="busy"):
        await result_of(client.generate("2 + 2?", model=MODEL))
    assert len(fake.asked) == 3
    assert len(waits) == 2


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 422, 500, 502, 504])
async def test_no_other_status_is_tried_again(
    client: Any, fake: FakeLaServe, waits: Waits, status: int, call: str
) -> None:
    fake.failures.append(error(status, "no"))
    with pytest.raises(ClientError, match="no"):
        await result_of(getattr(client, call)("2 + 2?", model=MODEL))
    assert (len(fake.asked), waits) == (1, [])


async def test_the_wait_that_the_server_asks_for_is_kept(
    client: Any, fake: FakeLaServe, waits: Waits
) -> None:
    fake.failures += [error(429, "busy", retry_after="3"), error(503, "busy", retry_after="1000")]
    await result_of(client.generate("2 + 2?", model=MODEL))
    assert waits == [3.0, LONGEST_RETRY_AFTER_S]


async def test_the_wait_may_be_given_as_a_date(
    client: Any, fake: FakeLaServe, waits: Waits
) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    future = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    fake.failures += [error(429, "busy", retry_after=date) for date in (past, future)]
    await result_of(client.generate("2 + 2?", model=MODEL))
    assert waits == [0.0, LONGEST_RETRY_AFTER_S]


@contextmanager
def rude_server(*answers: bytes) -> Iterator[str]:
    """Reads a request from each connection, sends these bytes and hangs up."""

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


WHOLE = b'{"data": [{"id": "a"}], "model": "a", "choices": [{"message": {"content": "yes"}}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(WHOLE)


def test_a_connection_that_is_closed_before_an_answer_is_tried_again(waits: Waits) -> None:
    with (
        rude_server(b"", b"", ANSWER + WHOLE) as url,
        only_noting(waits, LaServe(url, MODEL)) as client,
    ):
        assert client.generate("2 + 2?").text == "yes"
    assert len(waits) == 2


def test_an_answer_that_breaks_off_is_not_tried_again(waits: Waits) -> None:
    with (
        rude_server(ANSWER + WHOLE[:-10]) as url,
        only_noting(waits, LaServe(url, MODEL)) as client,
        pytest.raises(ConnectionFailedError),
    ):
        client.generate("2 + 2?")
    assert waits == []


def test_a_stream_that_breaks_off_is_not_tried_again(waits: Waits) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n"
    delta = b'data: {"model": "a", "choices": [{"index": 0, "delta": {"content": "y"}}]}\n\n'
    with rude_server(head + delta) as url, only_noting(waits, LaServe(url, MODEL)) as client:
        stream = client.stream("2 + 2?")
        assert next(stream).model_dump() == {"text": "y"}
        with pytest.raises(ConnectionFailedError):
            next(stream)
    assert waits == []


@pytest.mark.parametrize(
    ("exception", "tries"),
    [
        (httpx.ConnectError, 3),
        (httpx.ConnectTimeout, 3),
        (httpx.ReadError, 3),
        (httpx.RemoteProtocolError, 3),
        (httpx.ReadTimeout, 1),
        (httpx.WriteTimeout, 1),
        (httpx.PoolTimeout, 1),
        (httpx.UnsupportedProtocol, 1),
        (httpx.LocalProtocolError, 1),
    ],
)
def test_only_what_may_succeed_and_was_not_begun_is_sent_again(
    exception: type[Exception], tries: int
) -> None:
    requests = []

    def fail(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        raise exception("no")

    transport = httpx.MockTransport(fail)
    with (
        only_noting([], LaServe("http://127.0.0.1:1", MODEL, transport=transport)) as client,
        pytest.raises((ConnectionFailedError, TimedOutError)),
    ):
        client.generate("2 + 2?")
    assert len(requests) == tries


def test_the_model_is_found_out_by_a_server_that_was_busy(fake: FakeLaServe) -> None:
    fake.failures.append(error(503, "starting"))
    with only_noting([], LaServe(fake.url)) as client:
        assert client.generate("2 + 2?").text == TEXT


@given(retries=st.integers(0, 1000), fraction=st.floats(0.0, 1.0))
def test_the_backoff_doubles_up_to_a_limit_with_full_jitter(retries: int, fraction: float) -> None:
    policy = Retries(2000, lambda low, high: low + fraction * (high - low))
    wait = policy.wait_s(UnavailableError("busy", 503), retries)
    assert wait == pytest.approx(fraction * min(LONGEST_BACKOFF_S, 0.5 * 2**retries))
