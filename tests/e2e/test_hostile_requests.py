"""Whatever one request holds, the server answers it, and goes on answering the others."""

import asyncio
import json
from http import HTTPStatus

import httpx
import pytest

from tests.e2e.server import Server
from tests.integration.hostile_requests import HOSTILE, HostileRequest
from tests.integration.random_requests import random_requests

PATIENCE_S = 15.0
"""Of a client. Twice what the slowest request that is answered takes on two busy cores."""
AT_ONCE = 16
CONTROLS = (
    {"prompt": "control", "max_tokens": 6, "temperature": 0},
    {"prompt": "control", "max_tokens": 6, "seed": 1},
    {"prompt": "control", "max_tokens": 6, "structured_outputs": {"choice": ["yes"]}},
)


@pytest.fixture(scope="module")
def undisturbed(server: Server) -> list[str]:
    """What the controls answer before anything hostile was sent."""
    # Without the constrained one: the first constraint to reach the server must be hostile.
    return [*_controls(server, CONTROLS[:-1]), "yes"]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_request_is_answered_and_harms_nobody(
    server: Server, undisturbed: list[str], hostile: HostileRequest
) -> None:
    [(status, text)] = asyncio.run(_send(server, [hostile]))
    assert not _failed(status, text), f"{status}: {text[:500]}"
    assert _controls(server, CONTROLS) == undisturbed


@pytest.mark.parametrize("seed", range(3))
def test_random_requests_are_answered_and_harm_nobody(
    server: Server, undisturbed: list[str], seed: int
) -> None:
    requests = random_requests(seed, 100)
    for start in range(0, len(requests), AT_ONCE):
        batch = requests[start : start + AT_ONCE]
        answers = asyncio.run(_send(server, batch))
        failed = [
            (request.path, request.body, status, text[:300])
            for request, (status, text) in zip(batch, answers, strict=True)
            if _failed(status, text)
        ]
        assert not failed
        assert _controls(server, CONTROLS) == undisturbed, [(r.path, r.body) for r in batch]


async def _send(server: Server, requests: list[HostileRequest]) -> list[tuple[int, str]]:
    async with httpx.AsyncClient(base_url=server.base_url, timeout=PATIENCE_S) as client:
        return await asyncio.gather(*(_post(client, server.model, r) for r in requests))


async def _post(client: httpx.AsyncClient, model: str, request: HostileRequest) -> tuple[int, str]:
    body = request.body
    if not isinstance(body, bytes):
        # Not httpx's own encoder: it refuses NaN.
        body = json.dumps({"model": model, **body}).encode()
    headers = {"content-type": "application/json", **request.headers}
    response = await client.post(request.path, content=body, headers=headers)
    return response.status_code, response.text


def _failed(status: int, text: str) -> bool:
    """Whether this is the server's failure; a stream tells of it after its status."""
    server_error = HTTPStatus.INTERNAL_SERVER_ERROR <= status != HTTPStatus.NOT_IMPLEMENTED
    return server_error or "InternalServerError" in text


def _controls(server: Server, bodies: tuple[dict[str, object], ...]) -> list[str]:
    """Texts of plain completions. Raises httpx.HTTPError where the server is hurt."""
    with httpx.Client(base_url=server.base_url, timeout=PATIENCE_S) as client:
        client.get("/health").raise_for_status()
        answers = [
            client.post("/v1/completions", json={"model": server.model, **body}).raise_for_status()
            for body in bodies
        ]
    return [answer.json()["choices"][0]["text"] for answer in answers]
