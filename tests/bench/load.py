"""The load: streamed chat requests at a fixed concurrency, timed by the client.

The client shares the machine's cores with the servers, so while the clock runs it does nothing but
take bytes off sockets and note the time; they are parsed afterwards.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.bench.errors import BenchError
from tests.bench.model import prompt_text, random_word

_FIRST_TOKEN = re.compile(rb'"content":" ?w')
"""Matches first in the event of the first token: every word of the bench model begins with w."""


@dataclass(frozen=True, slots=True)
class Task:
    """One request; the same for every contestant."""

    prompt: str
    seed: int
    tokens: int
    """Forced length of the answer, its EOS included."""
    temperature: float

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The request's JSON, with a contestant's own `fields`."""
        return {
            "model": "bench",
            "messages": [{"role": "user", "content": self.prompt}],
            "temperature": self.temperature,
            "seed": self.seed,
            "min_tokens": self.tokens - 1,  # the EOS is certain as soon as it is allowed
            "max_tokens": self.tokens + 32,
            "stream": True,
            "stream_options": {"include_usage": True},
            **fields,
        }


def tasks(
    name: str, count: int, prompt_tokens: int, lengths: tuple[int, int], temperature: float
) -> list[Task]:
    """`count` random tasks, the same ones for the same `name`."""
    draw = random.Random(name)
    return [
        Task(
            prompt=prompt_text([random_word(draw.random()) for _ in range(prompt_tokens)]),
            seed=draw.getrandbits(31),
            tokens=draw.randint(*lengths),
            temperature=temperature,
        )
        for _ in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one task, and when; seconds since the request was sent."""

    content: tuple[str, str | None, int]
    """Text, finish reason, completion tokens."""
    self_reward: dict[str, Any] | None
    first_token: float
    total: float


@dataclass(frozen=True, slots=True)
class Load:
    """One contestant's answers to a list of tasks."""

    answers: list[Answer]
    seconds: float
    client_cpu_seconds: float

    @property
    def tokens(self) -> int:
        """Of all answers together."""
        return sum(answer.content[2] for answer in self.answers)


async def run_load(url: str, work: list[Task], fields: dict[str, Any], concurrency: int) -> Load:
    """Send all tasks, `concurrency` at a time, and wait for their answers.

    Raises BenchError where one was refused, or is not of its forced length.
    """
    bodies = [json.dumps(task.body(fields)).encode() for task in work]
    received: list[_Received | None] = [None] * len(work)
    queue = iter(enumerate(bodies))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"Content-Type": "application/json"},
        timeout=aiohttp.ClientTimeout(total=3600),
    ) as session:

        async def worker() -> None:
            for index, body in queue:
                received[index] = await _stream(session, url, body)

        cpu, begin = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    answers = [_answer(task, r) for task, r in zip(work, received, strict=True) if r is not None]
    return Load(answers, seconds, cpu)


@dataclass(frozen=True, slots=True)
class _Received:
    data: bytes
    first_token: float
    total: float


async def _stream(session: aiohttp.ClientSession, url: str, body: bytes) -> _Received:
    data = bytearray()
    first_token = None
    begin = time.perf_counter()
    async with session.post(f"{url}/v1/chat/completions", data=body) as response:
        async for piece in response.content.iter_any():
            data += piece
            if first_token is None and _FIRST_TOKEN.search(data):
                first_token = time.perf_counter() - begin
        total = time.perf_counter() - begin
        if response.status != 200 or first_token is None:
            raise BenchError(f"status {response.status} for {body!r}: {data[-1000:]!r}")
    return _Received(bytes(data), first_token, total)


def _answer(task: Task, received: _Received) -> Answer:
    text, finish_reason, tokens, reward = "", None, 0, None
    for event in _events(received.data):
        for choice in event["choices"]:
            text += choice["delta"].get("content") or ""
            finish_reason = choice["finish_reason"] or finish_reason
            reward = choice.get("self_reward", reward)
        tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
    if tokens != task.tokens or finish_reason != "stop":
        raise BenchError(
            f"an answer has {tokens} tokens and ended with {finish_reason!r}; "
            f"{task.tokens} tokens and an EOS were forced"
        )
    return Answer((text, finish_reason, tokens), reward, received.first_token, received.total)


def _events(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        if line.startswith(b"data: {"):
            event = json.loads(line.removeprefix(b"data: "))
            if "error" in event:
                raise BenchError(f"the stream ended with {event['error']}")
            yield event
