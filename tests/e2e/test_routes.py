"""Whatever the server mounts that generates text gives its score, or is listed as unscored."""

from typing import Any

import pytest

from laserve.api.generating.unscored import UNSCORED as REFUSING
from tests.e2e.server import Server
from tests.routes import KNOWN, SCORED, SELECTING, UNSCORED

READING = {"get", "head", "options"}
GENERATED: dict[str, dict[str, Any]] = {
    "/generative_scoring": {"query": "Why?", "items": ["yes", "no"], "label_token_ids": [5, 6]},
}
"""A request of each unscored route that works on the tiny model as it is served here."""


def test_every_mounted_route_is_known_to_score_to_generate_or_to_do_neither(
    server: Server,
) -> None:
    paths = server.http.get("/openapi.json").json()["paths"]
    mounted = {path for path, operations in paths.items() if operations.keys() - READING}
    assert mounted - KNOWN == set()
    assert SCORED.keys() | GENERATED.keys() <= mounted


@pytest.mark.parametrize("path", SCORED)
def test_a_scored_route_gives_a_score(server: Server, path: str) -> None:
    answer = server.http.post(path, json={"model": server.model, **SCORED[path]}).json()
    [scored] = answer.get("choices", [answer])
    assert scored["self_reward"]["status"] in ("scored", "truncated")


@pytest.mark.parametrize("path", SCORED)
def test_a_scored_route_selects_or_says_that_it_does_not(server: Server, path: str) -> None:
    def ask(selection: object) -> tuple[int, Any]:
        body = {"model": server.model, **SCORED[path], "selection": selection}
        answer = server.http.post(path, json=body)
        return answer.status_code, answer.json()

    options = {"method": "majority", "n_max": 3, "adaptive": False, "posterior": None}
    status, answer = ask(options)
    if path in SELECTING:
        assert status == 200, answer
        assert answer["selection"]["samples_used"] == 3
    else:
        assert status == 400, answer
        assert "other routes select nothing" in answer["error"]["message"]
    assert ask(options | {"nmax": 3})[0] == 400
    assert ask(None)[0] == 200


def test_every_route_that_gives_no_score_refuses_to_be_asked_for_one(server: Server) -> None:
    websocket = {"/v1/realtime"}
    assert UNSCORED.keys() - websocket == REFUSING
    asking: list[dict[str, Any]] = [{"self_reward": True}, {"selection": {}}]
    for path, body in GENERATED.items():
        for fields in asking:
            answer = server.http.post(path, json={"model": server.model, **body, **fields})
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"]["type"] == "BadRequestError"


@pytest.mark.parametrize("path", GENERATED)
def test_a_route_that_is_listed_as_unscored_generates_and_gives_no_score(
    server: Server, path: str
) -> None:
    assert path in UNSCORED
    generated = server.metric("vllm:generation_tokens_total")
    scored = server.metric("laserve_generations_total")
    answer = server.http.post(path, json={"model": server.model, **GENERATED[path]})
    assert answer.status_code == 200, answer.text
    assert "self_reward" not in answer.text
    assert server.metric("vllm:generation_tokens_total") > generated
    assert server.metric("laserve_generations_total") == scored
