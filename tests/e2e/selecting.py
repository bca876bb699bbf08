"""Asks a server to select."""

from typing import Any

from tests.e2e.server import Server

CHAT = "/v1/chat/completions"
QUESTION = "2,6,6>2"


def body(server: Server, question: str = QUESTION, **fields: Any) -> dict[str, Any]:
    return {
        "model": server.model,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 24,
        "seed": 0,
        **fields,
    }


def post(server: Server, **fields: Any) -> dict[str, Any]:
    answer = server.http.post(CHAT, json=body(server, **fields))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
