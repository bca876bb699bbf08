"""A fake LaServe: an HTTP server of its own thread that speaks the API without a model.

It finds a text right that contains "right". What it was asked is recorded, and what it is to do
wrong can be scripted.
"""

import asyncio
import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

MODEL = "fake-model"
TEXT = "the right\u2028answer"
"""With a character that `str.splitlines` takes for the end of a line."""
WRONG = "another answer"


STATES = ("queued", "verifying", "loading", "proving", "active")
BEFORE = "/checkpoints/before"
WEIGHTS = "0123456789ab"
REASON = "'model.safetensors' has not the sha256 that its manifest states"


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    port: int
    """Of the client: one for each connection."""


@dataclass
class Load:
    """Requests that are reranked at a time."""

    now: int = 0
    most: int = 0


@dataclass
class FakeLaServe:
    """The server's address, its record and its script."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    failures: list[Response] = field(default_factory=list)
    """Answers to the next requests, in place of the right ones."""
    failing: dict[str, int] = field(default_factory=dict)
    """Query -> status that it is answered with, each time."""
    most_choices: int = 100
    """What `n` is cut to without a word, as some servers do."""
    load: Load = field(default_factory=Load)
    rerank_s: float = 0.0
    reranks: float = math.inf
    """How many requests for a ranking are answered; the others wait as long as their clients."""
    loads: list[dict[str, Any]] = field(default_factory=list)
    """Loads of checkpoints, the oldest first."""
    progress: list[str] = field(default_factory=lambda: list(STATES))
    """The states that a load is seen in, one each time that it is asked for."""

    def reset(self) -> None:
        self.__init__(url=self.url)  # type: ignore[misc]

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def error(status: int, message: str, param: str | None = None, **headers: str) -> JSONResponse:
    """OpenAI's error object."""
    details = {"message": message, "type": "TheType", "param": param, "code": status}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": details}, status, names)


def reward(text: str, method: str = "in_flight") -> dict[str, Any]:
    right = "right" in text
    return {
        "score": 0.9 if right else 0.1,
        "logprob": -5.0 if right else -9.0,
        "confidence": 0.98 if right else 0.02,
        "status": "scored",
        "method": method,
        "checkpoint": MODEL,
    }


def selection(options: dict[str, Any]) -> dict[str, Any]:
    threshold = options.get("min_confidence") or 0.0
    candidates = [
        {
            "index": index,
            "text": text,
            "tool_calls": [],
            "answer": text,
            "finish_reason": "stop",
            "completion_tokens": 4,
            "self_reward": reward(text),
        }
        for index, text in enumerate([WRONG, TEXT])
    ]
    outcome = {
        "method": options.get("method", "weighted_majority"),
        "applied_method": options.get("method", "weighted_majority"),
        "answer": "right",
        "confidence": 0.9,
        "abstained": threshold > 0.9,
        "selected_index": 1,
        "votes": [
            {"answer": "right", "count": 2, "weight": 1.8},
            {"answer": "another", "count": 1, "weight": None},
        ],
        "samples_used": options.get("n_max", 8),
        "unvoted": {"truncated": 1, "no_answer": 0, "cancelled": 0},
        "unscored": {},
        "completion_tokens": 16,
        "stop_cause": "n_max",
        "equality_timeouts": 0,
        "upstream": None,
    }
    return outcome | ({"candidates": candidates} if options.get("return_candidates") else {})


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def completion(body: dict[str, Any], n: int) -> dict[str, Any]:
    texts = [TEXT, *[f"{WRONG} {number}" for number in range(1, n)]]
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        | ({"self_reward": reward(text)} if body.get("self_reward", True) else {})
        for index, text in enumerate(texts)
    ]
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": choices,
        "usage": USAGE,
    }
    return answer | ({"selection": selection(body["selection"])} if "selection" in body else {})


def chunks(body: dict[str, Any]) -> Iterator[str]:
    def event(choices: list[dict[str, Any]], **more: Any) -> str:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": body["model"],
            "choices": choices,
            **more,
        }
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"

    def choice(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "finish_reason": reason, **more}

    yield event([choice({"role": "assistant", "content": ""})])
    yield ": keep-alive\n\n"
    for word in TEXT.split(" "):
        yield event([choice({"content": word if word == "the" else f" {word}"})])
    more = {"selection": selection(body["selection"])} if "selection" in body else {}
    for index in range(body.get("n", 1)):
        short = {name: more[name] | {"candidates": None} for name in more}
        delta = {"provider_specific_fields": {"self_reward": reward(TEXT), **short}}
        last = choice(delta, "stop", self_reward=reward(TEXT))
        yield event([last | {"index": index}], **more)
    if body.get("stream_options", {}).get("include_usage"):
        yield event([], usage=USAGE)
    yield "data: [DONE]\n\n"


def ranking(body: dict[str, Any]) -> dict[str, Any]:
    rewards = [reward(text, "post_hoc") for text in body["documents"]]
    order = sorted(range(len(rewards)), key=lambda index: -rewards[index]["score"])
    results = [
        {
            "index": index,
            "relevance_score": rewards[index]["score"],
            "self_reward": rewards[index],
        }
        for index in order[: body["top_n"]]
    ]
    return {"id": "1", "model": body["model"], "usage": {"total_tokens": 9}, "results": results}


def load(number: int, path: str | None, strategy: str) -> dict[str, Any]:
    """A load that begins."""
    return {
        "id": f"load-{number}",
        "path": path or BEFORE,
        "strategy": strategy,
        "force": False,
        "origin": "request" if path else "rollback",
        "state": "queued",
        "checkpoint": None,
        "version": None,
        "weights": None,
        "asked_by": None,
        "reason": None,
        "created_at": "2026-01-02T03:04:05.678901Z",
        "ended_at": None,
        "seconds": {},
        "proof": None,
    }


def advanced(job: dict[str, Any], state: str) -> dict[str, Any]:
    """The load, seen in a state."""
    if state == job["state"]:
        return job
    job = job | {"state": state, "seconds": job["seconds"] | {job["state"]: 0.25}}
    if state == "rejected":
        return job | {"reason": REASON, "ended_at": job["created_at"]}
    if state == "active":
        named = {"checkpoint": "new", "version": 2, "weights": WEIGHTS}
        return job | named | {"ended_at": job["created_at"]}
    return job


def application(fake: FakeLaServe) -> FastAPI:
    app = FastAPI()

    async def record(request: Request) -> Response | None:
        content = await request.body()
        body = json.loads(content) if content else None
        assert request.client is not None
        path, port = request.url.path, request.client.port
        fake.asked.append(Asked(request.method, path, body, dict(request.headers), port))
        return fake.failures.pop(0) if fake.failures else None

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        return await record(request) or JSONResponse(
            {"object": "list", "data": [{"id": MODEL}, {"id": "an-adapter"}]}
        )

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        if (failure := await record(request)) is not None:
            return failure
        body = fake.asked[-1].body
        if body.get("stream"):
            return StreamingResponse(chunks(body), media_type="text/event-stream")
        headers = {"x-laserve-score": "0.9", "x-laserve-confidence": "0.98"}
        n = min(body.get("n", 1), fake.most_choices)
        return JSONResponse(completion(body, n), headers=headers)

    @app.post("/v1/self_reward")
    async def self_reward(request: Request) -> Response:
        if (failure := await record(request)) is not None:
            return failure
        body = fake.asked[-1].body
        data = [
            {"index": index, "object": "self_reward", "self_reward": reward(text, "post_hoc")}
            for index, text in enumerate(body["completion"])
        ]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        data.reverse()
        return JSONResponse(
            {
                "id": "1",
                "object": "list",
                "model": body["model"],
                "data": data,
                "prompt_form": "chat_template",
                "usage": usage,
            }
        )

    @app.post("/v1/rerank")
    async def rerank(request: Request) -> Response:
        if (failure := await record(request)) is not None:
            return failure
        body = fake.asked[-1].body
        query = body["query"] if "query" in body else body["messages"][-1]["content"]
        load = fake.load  # another one after a reset
        load.now += 1
        load.most = max(load.most, load.now)
        fake.reranks -= 1
        while fake.reranks < 0 and (await request.receive())["type"] != "http.disconnect":
            pass
        await asyncio.sleep(fake.rerank_s)
        load.now -= 1
        if query in fake.failing:
            return error(fake.failing[query], f"cannot rerank {query}", "documents")
        return JSONResponse(ranking(body))

    def accepted(path: str | None, strategy: str) -> Response:
        job = load(len(fake.loads) + 1, path, strategy)
        fake.loads.append(advanced(job, fake.progress.pop(0)))
        return JSONResponse(fake.loads[-1], 202, {"location": f"/v1/checkpoints/{job['id']}"})

    @app.get("/v1/checkpoints")
    async def list_checkpoints(request: Request) -> Response:
        active = {
            "checkpoint": MODEL,
            "version": 1,
            "weights": WEIGHTS,
            "path": BEFORE,
            "requests_in_flight": 3,
            "can_roll_back": bool(fake.loads),
        }
        return await record(request) or JSONResponse(
            {"object": "list", "active": active, "data": fake.loads[::-1]}
        )

    @app.get("/v1/checkpoints/{job_id}")
    async def get_load(job_id: str, request: Request) -> Response:
        if (failure := await record(request)) is not None:
            return failure
        index = int(job_id.removeprefix("load-")) - 1
        fake.loads[index] = advanced(fake.loads[index], fake.progress.pop(0))
        return JSONResponse(fake.loads[index])

    @app.post("/v1/checkpoints")
    async def load_checkpoint(request: Request) -> Response:
        if (failure := await record(request)) is not None:
            return failure
        body = fake.asked[-1].body
        return accepted(body["path"], body["strategy"])

    @app.post("/v1/checkpoints/rollback")
    async def roll_back(request: Request) -> Response:
        return await record(request) or accepted(None, "auto")

    return app


@contextmanager
def running(fake: FakeLaServe) -> Iterator[None]:
    """Serves `fake` on a free port."""
    config = uvicorn.Config(application(fake), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        fake.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield
        server.should_exit = True
        thread.join()
