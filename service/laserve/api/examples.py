"""Requests that work, for the OpenAPI document: one or two for each route of ours that takes a
body. They name no model: the server's own is meant."""

from typing import Any

_QUESTION = [{"role": "user", "content": "What is 12 + 7?"}]
_CHAT: dict[str, Any] = {"messages": _QUESTION, "max_tokens": 16}
_SELECTION = {"method": "weighted_majority", "n_max": 4, "answer": "last_number"}
_RERANK = {"query": "What is 12 + 7?", "documents": ["19", "20"], "top_n": 1}

EXAMPLES: dict[str, dict[str, dict[str, Any]]] = {
    "/v1/chat/completions": {
        "scored": _CHAT,
        "selected": {**_CHAT, "selection": _SELECTION},
    },
    "/v1/chat/completions/batch": {"scored": {**_CHAT, "messages": [_QUESTION, _QUESTION]}},
    "/v1/completions": {
        "scored": {"prompt": "12 + 7 =", "max_tokens": 16},
        "selected": {"prompt": "12 + 7 =", "max_tokens": 16, "selection": _SELECTION},
    },
    "/v1/responses": {"scored": {"input": "What is 12 + 7?", "max_output_tokens": 16}},
    "/v1/messages": {"scored": _CHAT},
    "/v1/self_reward": {
        "of a conversation": {"messages": _QUESTION, "completion": ["19", "20"]},
        "of a prompt": {"prompt": "12 + 7 =", "completion": " 19"},
    },
    "/v1/rerank": {"best first": _RERANK},
    "/v2/rerank": {"best first": _RERANK},
    "/rerank": {"best first": _RERANK},
    "/v1/checkpoints": {"side by side": {"path": "step-300", "strategy": "side_by_side"}},
}
"""By path and by what they show."""
