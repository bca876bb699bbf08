"""One checkpoint that is being served, and the requests that it has in flight."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Unpack

from vllm.engine.protocol import EngineClient
from vllm.exceptions import GracefulHTTPError
from vllm.lora.request import LoRARequest
from vllm.outputs import RequestOutput
from vllm.sampling_params import SamplingParams

from laserve.checkpoint.staging import StagedCheckpoint
from laserve.core.drift import MIN_REFERENCE, ScoreDrift
from laserve.core.manifest import Manifest
from laserve.core.score import ScoreParameters
from laserve.core.types import SelfReward
from laserve.core.weights_hash import weights_hash
from laserve.scoring.engine import Engine, EngineFront, Options, Prompt, ScoringOptions
from laserve.scoring.scored_engine import ScoredEngine, ScoreObserver
from laserve.scoring.under_way import Count
from laserve.serving.readiness import withdrawing

logger = logging.getLogger(__name__)


class _Lease(EngineFront[Engine]):
    """An engine, for as long as it has the weights of one deployment."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.is_over = False

    def generate(
        self,
        prompt: Prompt,
        sampling_params: SamplingParams,
        request_id: str,
        **options: Unpack[Options],
    ) -> AsyncGenerator[RequestOutput, None]:
        if self.is_over:
            raise GracefulHTTPError(
                "the checkpoint that began this answer is not served any more: ask again",
                HTTPStatus.SERVICE_UNAVAILABLE,
            )
        return self.engine.generate(prompt, sampling_params, request_id, **options)


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

    @property
    def weights_hash(self) -> str | None:
        """A short hash of the weights, and one of the adapter on top of them."""
        found = [weights_hash(part.manifest.files) for part in self.parts]
        return "+".join(filter(None, found)) or None


@dataclass(eq=False, slots=True)
class Deployment:
    """A checkpoint in an engine.

    Two of them share one engine where weights were reloaded in place, or an adapter was added.
    """

    version: int
    """Counts the checkpoints that were made active, from 1."""
    client: EngineClient
    parameters: ScoreParameters
    observer: ScoreObserver
    source: Source | None = None
    """Where it can be loaded from again; None where the server loads no checkpoints."""
    adapter: LoRARequest | None = None
    """The LoRA adapter that it is, on top of the engine's weights."""
    manifest: Manifest | None = None
    """What it says of itself; that of its source, where it has one."""
    requests: Count = field(default_factory=Count)
    """HTTP requests that are bound to it."""
    drift: ScoreDrift | None = field(init=False, default=None)
    """Whether its scores are those of its evaluation; None where too few of those are known."""
    scored: ScoredEngine = field(init=False)
    _lease: _Lease = field(init=False)

    def __post_init__(self) -> None:
        if self.source is not None:
            self.manifest = self.source.checkpoint.manifest
        reference = self.manifest.reference_scores if self.manifest is not None else ()
        if len(reference) >= MIN_REFERENCE:
            self.drift = ScoreDrift(sorted(reference))
        known = self.parameters.weights if self.source is None else self.source.weights_hash
        self.parameters = replace(self.parameters, version=self.version, weights=known)
        self._lease = _Lease(self.client)
        self.scored = ScoredEngine(self._lease, self.parameters, self.observer, withdrawing)

    def __str__(self) -> str:
        """As logs name it."""
        told = f"version {self.version}"
        if self.parameters.weights is not None:
            told += f", weights {self.parameters.weights}"
        return f"{self.parameters.checkpoint} ({told})"

    def answered(self, score: float) -> None:
        """Take note of the score of a request's first sample."""
        if self.drift is not None and self.drift.observe(score):
            logger.warning(
                "the scores of %s have drifted from those of its evaluation (after %d requests): "
                "what it is asked is of another kind, and its confidence and max_risk promise "
                "nothing of that",
                self,
                self.drift.scores,
            )

    async def score(
        self,
        prompt: Prompt,
        completion_token_ids: list[int],
        request_id: str,
        **options: Unpack[ScoringOptions],
    ) -> SelfReward:
        """As `ScoredEngine.score`; no switch goes on before it has ended."""
        options["lora_request"] = options.get("lora_request") or self.adapter
        return await self.scored.score(prompt, completion_token_ids, request_id, **options)

    @property
    def counts(self) -> tuple[Count, Count]:
        """What it has under way: requests that are bound to it, generations."""
        return self.requests, self.scored.under_way

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

    async def drained(self, patience_s: float, within_s: float = math.inf) -> bool:
        """Return when no request is bound to it, or its engine was not awaited for `patience_s`
        seconds, as where a client does not read its answer: whether that is so after ``within_s``
        seconds."""
        begin, generations = time.monotonic(), self.scored.under_way
        while self.requests.value or generations.value:
            now = time.monotonic()
            since = now if generations.is_awaited else generations.silent_since
            silent = max(begin, since) + patience_s
            if now >= silent:
                return True
            if now >= begin + within_s:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(silent, begin + within_s) - now):
                    await self.requests.none.wait()
                    await generations.none.wait()
        return True
