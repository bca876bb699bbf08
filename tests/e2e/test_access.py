"""Who may use a server, how much of it, and that nobody holds it up by sending slowly."""

import asyncio
import json
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bench.hot_load.memory import engines
from tests.e2e.conftest import (
    ADMIN_KEY,
    API_KEY,
    BODY_TIMEOUT_S,
    HEADER_TIMEOUT_S,
    KEY_FILE,
    QUEUED,
)
from tests.e2e.every_request import suspended
from tests.e2e.server import Server

BODY: dict[str, Any] = {"model": "tiny", "prompt": "x", "max_tokens": 5, "ignore_eos": True}
HELD = 200


def ask(server: Server, key: str, **fields: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    url = f"{server.base_url}/v1/completions"
    return httpx.post(url, json={**BODY, **fields}, headers=headers, timeout=60)


def audited(server: Server) -> list[str]:
    return [line for line in server.log.read_text().splitlines() if "audit: " in line]


@pytest.mark.parametrize("key", [API_KEY, "sk-second", "sk-operator"])
def test_every_key_of_the_flags_and_of_the_file_opens_the_server(
    guarded_server: Server, key: str
) -> None:
    assert ask(guarded_server, key).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_key_uses_as_many_tokens_as_it_may(guarded_server: Server, stream: bool) -> None:
    answers = [ask(guarded_server, "sk-limited", max_tokens=12, stream=stream) for _ in range(4)]
    assert answers[-1].status_code == 429
    assert "limited has used up its tokens_per_minute of 20" in answers[-1].text
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    if not stream:
        assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert ask(guarded_server, API_KEY).status_code == 200


def test_a_key_asks_as_often_as_it_may(guarded_server: Server) -> None:
    # One more than fit into two windows, where a minute ends in between.
    answers = [ask(guarded_server, "sk-hurried") for _ in range(5)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "hurried has used up its requests_per_minute of 2" in refused.text
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert ask(guarded_server, API_KEY).status_code == 200


def test_a_key_asks_as_many_at_a_time_as_it_may(guarded_server: Server) -> None:
    with ThreadPoolExecutor() as pool, suspended(engines(guarded_server.pid)):
        asked = [pool.submit(ask, guarded_server, "sk-single", stream=s) for s in (False, True)]
        [refused], [running] = wait(asked, return_when=FIRST_COMPLETED)
        assert refused.result().status_code == 429
        assert "single has 1 requests under way" in refused.result().text
        assert int(refused.result().headers["retry-after"]) > 0
        for engine in engines(guarded_server.pid):
            engine.resume()
        assert running.result().status_code == 200
    assert ask(guarded_server, "sk-single").status_code == 200


def test_what_is_more_than_a_server_queues_is_told_to_come_again(guarded_server: Server) -> None:
    half = QUEUED // 2
    with ThreadPoolExecutor() as pool, suspended(engines(guarded_server.pid)):
        asked = [pool.submit(ask, guarded_server, API_KEY, n=half) for _ in range(3)]
        [refused], running = wait(asked, return_when=FIRST_COMPLETED)
        assert refused.result().status_code == 503
        assert int(refused.result().headers["retry-after"]) > 0
        for engine in engines(guarded_server.pid):
            engine.resume()
        assert [one.result().status_code for one in running] == [200, 200]


def test_keys_take_the_place_of_others_while_it_serves(guarded_server: Server) -> None:
    path = guarded_server.log.parent / "keys.toml"

    def replace(content: str) -> None:
        new = Path(f"{path}.new")
        new.write_text(content)
        new.replace(path)

    def takes(key: str) -> bool:
        return ask(guarded_server, key).status_code == 200

    replace(KEY_FILE.replace("sk-operator", "sk-next"))
    try:
        guarded_server.wait_until(lambda: takes("sk-next"))
        assert ask(guarded_server, "sk-operator").status_code == 401
    finally:
        replace(KEY_FILE)
    guarded_server.wait_until(lambda: takes("sk-operator"))
    assert not takes("sk-next")


@pytest.mark.parametrize(
    ("headers", "status", "key"),
    [
        ({}, 403, "api-key-2"),
        ({"x-laserve-admin-key": "wrong"}, 403, "api-key-2"),
        ({"x-laserve-admin-key": ADMIN_KEY}, 400, "admin-key"),
        ({"authorization": "Bearer sk-operator"}, 400, "operator"),
    ],
)
def test_the_engine_is_scaled_by_administrators_alone_and_the_log_says_who_tried(
    guarded_server: Server, headers: dict[str, str], status: int, key: str
) -> None:
    before = len(audited(guarded_server))
    answer = guarded_server.http.post("/scale_elastic_ep", json={}, headers=headers)
    assert answer.status_code == status
    # The line follows the answer.
    guarded_server.wait_until(lambda: len(audited(guarded_server)) > before)
    lines = audited(guarded_server)
    facts = json.loads(lines[-1].partition("audit: ")[2])
    assert (facts["path"], facts["status"], facts["key"]) == ("/scale_elastic_ep", status, key)
    assert not any(ADMIN_KEY in line or "sk-operator" in line for line in lines)


def test_connections_that_send_half_a_head_are_closed_and_nobody_else_waits(
    guarded_server: Server,
) -> None:
    url = httpx.URL(guarded_server.base_url)
    assert url.port is not None
    port: int = url.port

    async def hold() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/completions HTTP/1.1\r\nhost: x\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    async def attack() -> list[bytes]:
        async with asyncio.timeout(60):
            held = [asyncio.create_task(hold()) for _ in range(HELD)]
            await asyncio.sleep(HEADER_TIMEOUT_S / 4)
            answer = await asyncio.to_thread(ask, guarded_server, API_KEY)
            assert answer.status_code == 200
            return await asyncio.gather(*held)

    assert {answer.partition(b"\r\n")[0] for answer in asyncio.run(attack())} == {
        b"HTTP/1.1 408 Request Timeout"
    }


def test_a_body_that_is_sent_too_slowly_is_refused(guarded_server: Server) -> None:
    content = json.dumps(BODY).encode()

    def slowly() -> Any:
        for byte in content:
            yield bytes([byte])
            time.sleep(2 * BODY_TIMEOUT_S / len(content))

    headers = {"content-type": "application/json", "content-length": str(len(content))}
    answer = guarded_server.http.post("/v1/completions", content=slowly(), headers=headers)
    assert answer.status_code == 408
    assert "--body-timeout-s" in answer.json()["error"]["message"]
