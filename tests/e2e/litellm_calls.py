"""The verdicts that LiteLLM hands on, call by call, as JSON.

A script, as LiteLLM leaves event loops and connections open.

    python litellm_calls.py BASE_URL MODEL
"""

import asyncio
import json
import sys
import threading
from typing import Any

import litellm

from laserve_client import SelfReward
from laserve_client.integrations.litellm import SelfRewardCallback, self_reward

SCORED = 6
"""Calls that the callback is to notice."""


class Seen:
    """What the callback received."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.all = threading.Event()

    def receive(self, answer: Any, rewards: list[SelfReward | None]) -> None:
        text = answer.choices[0].message.content
        self.answers.append({"text": text, "rewards": list(map(dump, rewards))})
        if len(self.answers) == SCORED:
            self.all.set()


def dump(reward: SelfReward | None) -> dict[str, Any] | None:
    return None if reward is None else reward.model_dump()


async def asynchronous(request: dict[str, Any], seen: Seen) -> dict[str, list[Any]]:
    """Choices, by how they came."""
    later = await litellm.acompletion(**request)
    parts = [chunk async for chunk in await litellm.acompletion(**request, stream=True)]
    # Callbacks are called in the background, some of them by this event loop.
    await asyncio.to_thread(seen.all.wait, timeout=60)
    return {"later": later.choices, "parts": [chunk.choices[0] for chunk in parts]}


def main(base_url: str, model: str) -> None:
    seen = Seen()
    litellm.callbacks = [SelfRewardCallback(seen.receive)]
    request: dict[str, Any] = {
        "model": f"openai/{model}",
        "api_base": f"{base_url}/v1",
        "api_key": "none",
        "messages": [{"role": "user", "content": "2,6,6>2"}],
        "seed": 7,
    }
    off = litellm.completion(**request, extra_body={"self_reward": False})
    whole = litellm.completion(**request)
    several = litellm.completion(**request, n=2)
    stream = list(litellm.completion(**request, stream=True))
    chunks = [chunk.choices[0] for chunk in stream]
    rebuilt = litellm.stream_chunk_builder(stream)
    # All that the message of a stream carries, as the next request's history.
    history = [*request["messages"], rebuilt.choices[0].message, *request["messages"]]
    after = litellm.completion(**{**request, "messages": history})
    choices = {
        "off": off.choices,
        "whole": whole.choices,
        "several": several.choices,
        "chunks": chunks,
        "rebuilt": rebuilt.choices,
        "after": after.choices,
        **asyncio.run(asynchronous(request, seen)),
    }
    told = {name: [dump(self_reward(choice)) for choice in of] for name, of in choices.items()}
    more = {
        "callback": seen.answers,
        "finish_reasons": [choice.finish_reason for choice in chunks],
        "text": rebuilt.choices[0].message.content,
    }
    print(json.dumps(told | more))


if __name__ == "__main__":
    main(*sys.argv[1:])
