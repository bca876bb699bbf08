"""Apart from `self_reward`, an answer is the one that plain vLLM's own serving code gives."""

import json
from typing import Any

import pytest

from tests.e2e.server import Server

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": (CHAT, {}),
    "chat, n": (CHAT, {"n": 3}),
    "chat, logprobs": (CHAT, {"logprobs": True, "top_logprobs": 2}),
    "chat, token ids": (CHAT, {"return_token_ids": True}),
    "chat, special tokens": (CHAT, {"skip_special_tokens": False}),
    "chat, stop string": (CHAT, {"stop": ["a"]}),
    "chat, truncated": (CHAT, {"max_tokens": 3}),
    "chat, usage": (CHAT, {"stream_options": {"include_usage": True}}),
    "chat, continuous usage": (
        CHAT,
        {"stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    ),
    "completions": (COMPLETIONS, {}),
    "completions, echo": (COMPLETIONS, {"echo": True}),
    "completions, logprobs": (COMPLETIONS, {"logprobs": 2}),
    "completions, n": (COMPLETIONS, {"n": 2}),
    "completions, stop token": (COMPLETIONS, {"stop_token_ids": [5, 17, 99]}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stream", [False, True])
def test_the_body_is_the_same_with_and_without_scores(
    server: Server, case: str, stream: bool
) -> None:
    path, options = CASES[case]
    if not stream:
        options = {key: value for key, value in options.items() if key != "stream_options"}
    prompt = (
        {"messages": [{"role": "user", "content": "Why?"}]}
        if path == CHAT
        else {"prompt": ["Why?", "Who?"]}
    )
    for seed in range(3):
        body = {"model": server.model, **prompt, "max_tokens": 60, "seed": seed, **options}
        plain = _events(server, path, {**body, "stream": stream, "self_reward": False})
        scored = _events(server, path, {**body, "stream": stream})
        rewards = [_without_rewards(event) for event in scored]
        assert _joined(plain, stream) == _joined(scored, stream)
        assert sum(rewards) == len({c["index"] for event in plain for c in event["choices"]})


def test_switched_off_there_is_no_trace_of_scoring_but_the_checkpoints_name(server: Server) -> None:
    body = {"model": server.model, "prompt": "x", "max_tokens": 50, "self_reward": False}
    overhead = server.metric("laserve_overhead_tokens_total")
    response = server.http.post(COMPLETIONS, json=body)
    assert "self_reward" not in response.text
    named = sorted(name for name in response.headers if name.startswith("x-laserve"))
    # Its model has no manifest, which would state the hashes of its weights.
    assert named == ["x-laserve-checkpoint", "x-laserve-checkpoint-version"]
    assert server.metric("laserve_overhead_tokens_total") == overhead


def _events(server: Server, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    response = server.http.post(path, json=body)
    assert response.status_code == 200, response.text
    if not body["stream"]:
        events = [response.json()]
    else:
        lines = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
        assert lines[-1] == "[DONE]"
        events = [json.loads(line) for line in lines[:-1]]
    for event in events:
        for key in ("id", "created"):
            event.pop(key, None)
    return events


def _without_rewards(event: dict[str, Any]) -> int:
    """Take the rewards out; how many there were."""
    found = 0
    for choice in event["choices"]:
        reward = choice.pop("self_reward", None)
        found += reward is not None
        kept = choice.get("delta", {}).pop("provider_specific_fields", None)
        assert kept == ({"self_reward": reward} if reward and "delta" in choice else None)
    return found


def _joined(events: list[dict[str, Any]], stream: bool) -> Any:
    """Events of a stream by choice, as how they interleave depends on timing, and so does which
    tokens share a chunk."""
    if not stream:
        return events
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for event in events:
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            joined = choices.setdefault(choice["index"], {"text": "", "token_ids": []})
            delta = choice.get("delta", choice)
            joined["text"] += delta.get("content") or delta.get("text") or ""
            joined["token_ids"] += choice.get("token_ids") or []
            for key in ("finish_reason", "stop_reason"):
                joined[key] = choice.get(key) or joined.get(key)
    return choices, usage
