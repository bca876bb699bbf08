"""One checkpoint that is being served, and the requests that it has in flight."""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from vllm.engine.protocol import EngineClient
from vllm.exceptions import GracefulHTTPError
from vllm.lora.request import LoRARequest

from laserve.checkpoint.staging import StagedCheckpoint
from laserve.core.score import ScoreParameters
from laserve.scoring.scored_engine import Observer, ScoredEngine
from laserve.selecting.selecting_engine import SelectingEngine


class _Count:
    """A number of holders, an event for when there is none, and since when there is none."""

    def __init__(self) -> None:
        self.value = 0
        self.none = asyncio.Event()
        self.none.set()
        self.none_since = -math.inf

    def enter(self) -> None:
        self.value += 1
        self.none.clear()

    def leave(self) -> None:
        self.value -= 1
        if self.value == 0:
            self.none_since = time.monotonic()
            self.none.set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self.enter()
        try:
            yield
        finally:
            self.leave()


class _Lease:
    """An engine client, for as long as the engine has the weights of one deployment."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.is_over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def generate(self, *args: Any, **options: Any) -> Any:
        if self.is_over:
            raise GracefulHTTPError(
                "the checkpoint that began this answer is not served any more: ask again",
                HTTPStatus.SERVICE_UNAVAILABLE,
            )
        return self._client.generate(*args, **options)


@dataclass(frozen=True, slots=True)
class Source:
    """What a deployment is made of."""

    weights: StagedCheckpoint
    """The weights of its engine."""
    adapter: StagedCheckpoint | None = None
    """The adapter on top of them, which then is the checkpoint."""

    @property
    def parts(self) -> tuple[StagedCheckpoint, ...]:
        """What must stay on disk to load it again."""
        return (self.weights,) if self.adapter is None else (self.weights, self.adapter)

    @property
    def checkpoint(self) -> StagedCheckpoint:
        """The one whose manifest says what the score means."""
        return self.adapter or self.weights


@dataclass(eq=False, slots=True)
class Deployment:
    """A checkpoint in an engine.

    Two of them share one engine where weights were reloaded in place, or an adapter was added.
    """

    version: int
    """Counts the checkpoints that were made active, from 1."""
    client: EngineClient
    parameters: ScoreParameters
    observer: Observer
    source: Source | None = None
    """Where it can be loaded from again; None where the server loads no checkpoints."""
    adapter: LoRARequest | None = None
    """The LoRA adapter that it is, on top of the engine's weights."""
    requests: _Count = field(default_factory=_Count)
    """HTTP requests that are bound to it."""
    generations: _Count = field(default_factory=_Count)
    """Generations under way."""
    awaited: _Count = field(default_factory=_Count)
    """Generations that wait for the engine; the others, for their reader to take an output."""
    scored: ScoredEngine = field(init=False)
    selecting: SelectingEngine = field(init=False)
    _lease: _Lease = field(init=False)

    def __post_init__(self) -> None:
        self._lease = _Lease(self.client)
        engine = cast(EngineClient, self._lease)
        self.scored = ScoredEngine(engine, self.parameters, self.observer)
        self.selecting = SelectingEngine(self.scored)

    @property
    def is_over(self) -> bool:
        """Whether its engine has other weights, or is gone: no generation begins any more."""
        return self._lease.is_over

    def end(self) -> None:
        """Begin no generation any more, be it the second one of an answer, for its score."""
        self._lease.is_over = True

    def resume(self) -> None:
        """Take an `end` back: its weights are in its engine again."""
        self._lease.is_over = False

    async def drained(self, patience_s: float) -> None:
        """Return when no request is bound to it, or its engine was not awaited for `patience_s`
        seconds, as where a client does not read its answer."""
        begin = time.monotonic()
        while self.requests.value or self.generations.value:
            since = time.monotonic() if self.awaited.value else self.awaited.none_since
            left = max(begin, since) + patience_s - time.monotonic()
            if left <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.requests.none.wait()
                    await self.generations.none.wait()


_bound: ContextVar[Deployment | None] = ContextVar("laserve_deployment", default=None)


@contextmanager
def bound_to(deployment: Deployment) -> Iterator[None]:
    """Whatever is generated inside this block comes from one checkpoint."""
    with deployment.requests.one_more():
        token = _bound.set(deployment)
        try:
            yield
        finally:
            _bound.reset(token)


def bound_deployment() -> Deployment | None:
    """The checkpoint that the HTTP request in work is bound to."""
    return _bound.get()
