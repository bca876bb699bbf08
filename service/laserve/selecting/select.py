"""One generation as many samples of its prompt, and the selection among them.

vLLM's serving code asks for one generation and gets one, the winner (`replay.winner_outputs`), so
that everything it makes of it (tools, reasoning, log-probabilities, streams) is as for any other.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol, Unpack

import msgspec
from vllm.config import VllmConfig
from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.scoring.engine import Options, Prompt
from laserve.scoring.rewards import Rewards
from laserve.selecting.chance import is_deterministic
from laserve.selecting.plan import SelectionPlan
from laserve.selection.options import SelectionOptions
from laserve.selection.sample import Sample
from laserve.selection.selector import Selection, Selector

_ABORT_AGAIN_S = 0.05


class SampledEngine(Protocol):
    """The part of a `ScoredEngine` that draws samples."""

    @property
    def vllm_config(self) -> VllmConfig:
        """How the engine was started."""

    def generate(
        self,
        prompt: Prompt,
        sampling_params: SamplingParams,
        request_id: str,
        rewards: Rewards | None,
        **options: Unpack[Options],
    ) -> AsyncGenerator[RequestOutput, None]:
        """As `ScoredEngine.generate`."""

    async def abort(self, request_id: str | Iterable[str]) -> None:
        """As `ScoredEngine.abort`."""


async def select(
    engine: SampledEngine,
    plan: SelectionPlan,
    prompt: Prompt,
    params: SamplingParams,
    request_id: str,
    *,
    scored: bool,
    **options: Unpack[Options],
) -> Selection[RequestOutput]:
    """Draw samples by `plan` and choose one; draw one where all would be the same. ``scored``:
    whether each gets its self-reward.

    Raises RequestError as `Selector.run`, and what the engine raises.
    """
    sampler = _EngineSampler(engine, plan, prompt, params, request_id, scored, options)
    identical = is_deterministic(params, engine.vllm_config.model_config.get_vocab_size())
    selector = Selector(
        plan.options,
        sampler,
        plan.ballot,
        plan.rules,
        identical,
        risk=plan.risk,
        on_ended=plan.on_ended,
    )
    return await selector.run()


def sample_params(params: SamplingParams, asked: SelectionOptions, index: int) -> SamplingParams:
    """The parameters of one sample: number i of a seeded request has the seed of vLLM's i-th choice
    of n."""
    budget = asked.max_total_tokens
    limits = [limit for limit in (params.max_tokens, budget) if limit is not None]
    of_one: SamplingParams = msgspec.structs.replace(
        params,
        n=1,
        seed=None if params.seed is None else params.seed + index,
        max_tokens=min(limits, default=None),
        # A budget of tokens is watched while they are generated; else only the end matters.
        output_kind=RequestOutputKind.FINAL_ONLY
        if budget is None
        else RequestOutputKind.CUMULATIVE,
        _all_stop_token_ids=set(params.all_stop_token_ids),
    )
    return of_one


class _EngineSampler:
    """Draws samples as requests of their own, which share the prefill by the prefix cache."""

    def __init__(
        self,
        engine: SampledEngine,
        plan: SelectionPlan,
        prompt: Prompt,
        params: SamplingParams,
        request_id: str,
        scored: bool,
        options: Options,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._prompt = prompt
        self._params = params
        self._request_id = request_id
        self._scored = scored
        self._options = options
        self._running: dict[int, asyncio.Event] = {}

    async def draw(self, index: int, on_progress: Callable[[int], None]) -> Sample[RequestOutput]:
        """As `Sampler.draw`."""
        self._running[index] = asyncio.Event()
        try:
            return await self._draw(index, on_progress)
        finally:
            self._running.pop(index).set()

    async def cancel(self, indices: Sequence[int]) -> None:
        """As `Sampler.cancel`."""
        while running := [index for index in indices if index in self._running]:
            # Again and again: an abort is lost where the engine has yet to see the request.
            await self._engine.abort([self._id(index) for index in running])
            over = [asyncio.ensure_future(self._running[index].wait()) for index in running]
            _, waiting = await asyncio.wait(over, timeout=_ABORT_AGAIN_S)
            for future in waiting:
                future.cancel()

    async def _draw(self, index: int, on_progress: Callable[[int], None]) -> Sample[RequestOutput]:
        final: RequestOutput | None = None
        rewards = Rewards() if self._scored else None
        params = sample_params(self._params, self._plan.options, index)
        outputs = self._engine.generate(
            self._prompt, params, self._id(index), rewards, **self._options
        )
        async with aclosing(outputs):
            async for final in outputs:
                on_progress(len(final.outputs[0].token_ids))
        assert final is not None, "the engine ended a request without an output"
        (completion,) = final.outputs
        tokens = list(completion.token_ids)
        return Sample(
            index=index,
            message=self._plan.read(completion.text, tokens, final.prompt_token_ids or []),
            reward=None if rewards is None else rewards.by_choice[0],
            finish_reason=completion.finish_reason or "abort",
            completion_tokens=len(tokens),
            output=final,
        )

    def _id(self, index: int) -> str:
        return f"{self._request_id}-sample-{index}"
