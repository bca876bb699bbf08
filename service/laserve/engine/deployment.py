"""One checkpoint that is being served, and the requests that it has in flight."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from vllm.engine.protocol import EngineClient
from vllm.lora.request import LoRARequest

from laserve.checkpoint.staging import StagedCheckpoint
from laserve.core.score import ScoreParameters
from laserve.engine.scored_engine import Observer, ScoredEngine
from laserve.engine.selecting_engine import SelectingEngine


class _Count:
    """A number of holders, and an event for when there is none."""

    def __init__(self) -> None:
        self.value = 0
        self.none = asyncio.Event()
        self.none.set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self.value += 1
        self.none.clear()
        try:
            yield
        finally:
            self.value -= 1
            if self.value == 0:
                self.none.set()


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
    scored: ScoredEngine = field(init=False)
    selecting: SelectingEngine = field(init=False)

    def __post_init__(self) -> None:
        self.scored = ScoredEngine(self.client, self.parameters, self.observer)
        self.selecting = SelectingEngine(self.scored)

    async def drained(self, patience_s: float) -> None:
        """Return when nothing more is generated: no request is bound to it, or those that are did
        not generate for `patience_s` seconds, as where a client does not read its answer."""
        while True:
            await self.generations.none.wait()
            try:
                async with asyncio.timeout(patience_s):
                    await self.requests.none.wait()
            except TimeoutError:
                pass
            if self.generations.value == 0:
                return


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
