"""Whatever the server mounts that generates text gives its score, or is listed as unscored."""

from typing import Any

import pytest

from tests.e2e.server import Server
from tests.routes import KNOWN, SCORED, UNSCORED

READING = {"get", "head", "options"}
MESSAGES = [{"role": "user", "content": "Why?"}]
GENERATED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions/batch": {"messages": [MESSAGES], "max_tokens": 5},
    "/invocations": {"messages": MESSAGES, "max_tokens": 5},
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
