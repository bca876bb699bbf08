"""Continuous load: clients that stream one chat completion after the other.

They share the machine's cores with the server, so while an answer comes in they only take down its
bytes and the time; it is parsed when it has ended.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp

HUNG_S = 120.0
"""A client gives up on an answer of which nothing came for so long."""

PROMPTS = (
    "What is 12 + 7?",
    "Name a colour, please.",
    # Longer than a block of the prefix cache, which must not outlive its checkpoint.
    "Tell me about the sea. " * 8,
)
SEEDS = range(8)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and when it came; seconds of `time.monotonic`."""

    began: float
    ended: float
    first_token: float | None
    longest_gap: float
    """Between two parts of the answer, after its first token."""
    failure: str | None
    """Why it is none."""
    header: str | None = None
    """The checkpoint that its headers name."""
    reward: dict[str, Any] | None = None
    tokens: tuple[int, ...] = ()
    """Of the prompt and of the completion."""


def bodies(model: str, max_tokens: int) -> list[dict[str, Any]]:
    """Requests, few enough that many answers are the same; every fourth one is a selection."""
    found = []
    for number, (prompt, seed) in enumerate(itertools.product(PROMPTS, SEEDS)):
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 1.0,
            "seed": seed,
            "max_tokens": max_tokens,
            "stream": True,
            "return_token_ids": True,
        }
        if number % 4 == 3:
            body["selection"] = {"n_max": 4, "n_parallel": 2, "adaptive": False}
        found.append(body)
    return found


async def stream_all(
    url: str, requests: list[dict[str, Any]], streams: int, stop: asyncio.Event
) -> list[Answer]:
    """Keep `streams` requests under way until `stop` is set; the last ones are read to the end."""
    answers: list[Answer] = []
    timeout = aiohttp.ClientTimeout(total=None, sock_read=HUNG_S)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=timeout
    ) as session:

        async def client(number: int) -> None:
            order = random.Random(number).sample(requests, len(requests))
            for body in itertools.cycle(order):
                if stop.is_set():
                    return
                answer = await _ask(session, url, body)
                answers.append(answer)
                if answer.failure is not None:
                    await asyncio.sleep(0.5)  # else a server that refuses is asked without pause

        await asyncio.gather(*map(client, range(streams)))
    return answers


async def _ask(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> Answer:
    data = bytearray()
    began = last = time.monotonic()
    first_token, longest, header, failure = None, 0.0, None, None
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            header = response.headers.get("x-laserve-checkpoint")
            async for piece in response.content.iter_any():
                now = time.monotonic()
                data += piece
                if first_token is not None:
                    longest = max(longest, now - last)
                elif b'"delta":{"content"' in data:
                    first_token = now
                last = now
            if response.status != 200:
                failure = f"status {response.status}: {data[:300].decode(errors='replace')}"
    except (aiohttp.ClientError, TimeoutError) as error:
        failure = f"{type(error).__name__}: {error}, after {len(data)} bytes"
    ended = time.monotonic()
    if failure is not None:
        return Answer(began, ended, first_token, longest, failure, header)
    prompt: list[int] = []
    completion: list[int] = []
    finish_reason, reward = None, None
    for event in _events(bytes(data)):
        if "error" in event:
            failure = f"the stream ended with {event['error']}"
            break
        prompt = event.get("prompt_token_ids") or prompt
        for choice in event["choices"]:
            completion += choice.get("token_ids") or []
            finish_reason = choice["finish_reason"] or finish_reason
            reward = choice.get("self_reward", reward)
    if failure is None and finish_reason not in ("stop", "length"):
        failure = f"the stream ended with the finish reason {finish_reason!r}"
    return Answer(
        began, ended, first_token, longest, failure, header, reward, (*prompt, *completion)
    )


def _events(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))
