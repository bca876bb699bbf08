"""The requests of a soak: each is known by its number alone, so that a soak can be gone on with."""

import random
from dataclasses import dataclass, field
from typing import Any

MODEL = "tiny"
PROMPTS = (
    "What is 12 + 7?",
    "Name a colour, please.",
    # Longer than a block of the prefix cache, which must not outlive its checkpoint.
    "Tell me about the sea. " * 8,
)
COMPLETIONS = ("It is 19.", "Blue, like the sky at noon.", "A")
GREEDY_TOKENS = 24
ABORTED = 0.1
"""Share of the requests whose client goes away."""
LONGEST_S = 0.4
"""After so long at most."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and what its answer is held against."""

    kind: str
    path: str
    body: dict[str, Any]
    prompt: str = ""
    status: int = 200
    abort_after_s: float | None = None
    """When its client goes away; None where it waits for the answer."""
    completions: tuple[str, ...] = field(default=())
    """Those that are given to be scored."""


def request(number: int) -> Request:
    """The request of this number."""
    draw = random.Random(number)
    prompt, seed = draw.choice(PROMPTS), draw.randrange(8)
    abort = draw.uniform(0.0, LONGEST_S) if draw.random() < ABORTED else None
    messages = [{"role": "user", "content": prompt}]
    chat = {"model": MODEL, "messages": messages, "seed": seed, "max_tokens": 64}
    chat |= {"return_token_ids": True}
    greedy = {"model": MODEL, "temperature": 0, "max_tokens": GREEDY_TOKENS}
    selection = {"n_max": 4, "n_parallel": 2, "method": "majority", "adaptive": False}
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("/v1/chat/completions", {**chat, "n": draw.randint(1, 3)}),
        "chat, stream": ("/v1/chat/completions", {**chat, "stream": True}),
        "chat, greedy": (
            "/v1/chat/completions",
            {**greedy, "messages": messages, "return_token_ids": True},
        ),
        "completion": (
            "/v1/completions",
            {**chat, "prompt": prompt, "messages": None},
        ),
        "selection": (
            "/v1/chat/completions",
            {**chat, "selection": {**selection, "equality": "math", "answer": "text"}},
        ),
        "selection, stream": (
            "/v1/chat/completions",
            {**chat, "stream": True, "selection": selection},
        ),
        "message": ("/v1/messages", {**greedy, "messages": messages}),
        "response": (
            "/v1/responses",
            {"model": MODEL, "input": prompt, "temperature": 0, "max_output_tokens": GREEDY_TOKENS},
        ),
        "given text": (
            "/v1/self_reward",
            {"model": MODEL, "messages": messages, "completion": list(COMPLETIONS)},
        ),
        "refused": ("/v1/chat/completions", {**chat, "temperature": -1}),
        "unknown model": ("/v1/completions", {"model": "other", "prompt": prompt}),
    }
    kind = draw.choice(list(made))
    path, body = made[kind]
    if kind == "completion":
        del body["messages"]
    return Request(
        kind,
        path,
        body,
        prompt,
        {"refused": 400, "unknown model": 404}.get(kind, 200),
        abort,
        COMPLETIONS if kind == "given text" else (),
    )
