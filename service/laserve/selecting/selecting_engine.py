"""The engine client that selects: a scored engine, whose one generation becomes many samples.

vLLM's serving code asks for one generation and gets one, the winner, so that everything it makes
of it (tools, reasoning, log-probabilities, streams) is as for any other.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import replace
from typing import Any

import msgspec
from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.scoring.admission import check_admissible
from laserve.scoring.recorder import current_recorder, recording
from laserve.scoring.scored_engine import ScoredEngine
from laserve.selecting.plan import SelectionPlan, current_plan
from laserve.selecting.replay import replay
from laserve.selection.sample import Sample
from laserve.selection.selector import Selector

_ABORT_AGAIN_S = 0.05


class SelectingEngine:
    """Stands in for vLLM's `EngineClient`: but for `generate`, all is the scored engine's."""

    def __init__(self, engine: ScoredEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(
        self, prompt: Any, sampling_params: SamplingParams, request_id: str, **options: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        """As `EngineClient.generate`; inside `selecting()` the output is that of the winner."""
        plan = current_plan()
        if plan is None:
            return self._engine.generate(prompt, sampling_params, request_id, **options)
        check_admissible(
            self._engine.vllm_config,
            sampling_params,
            (request_id, options.get("priority"), options.get("session_id")),
        )
        sampler = EngineSampler(self._engine, plan, prompt, sampling_params, request_id, options)
        return self._selected(plan, sampler)

    async def _selected(
        self, plan: SelectionPlan, sampler: "EngineSampler"
    ) -> AsyncGenerator[RequestOutput, None]:
        selector = Selector(plan.options, sampler, plan.ballot, plan.rules)
        selection = await selector.run()
        plan.selection = selection
        winner = selection.winner
        if sampler.recorder is not None and winner.reward is not None:
            sampler.recorder.record(sampler.recorder.reserve(1), winner.reward)
        output = winner.output
        (completion,) = output.outputs
        # OpenAI's clients know no `abort`; to them a budget of the request is a limit of length.
        reason = "length" if completion.finish_reason == "abort" else completion.finish_reason
        output.request_id = sampler.request_id
        output.outputs = [replace(completion, finish_reason=reason)]
        output.finished = True
        if sampler.params.output_kind == RequestOutputKind.DELTA:
            for part in replay(output, sampler.params, self._engine.renderer.tokenizer):
                yield part
        else:
            yield output


class EngineSampler:
    """Draws samples as requests of their own, which share the prefill by the prefix cache."""

    def __init__(
        self,
        engine: ScoredEngine,
        plan: SelectionPlan,
        prompt: Any,
        params: SamplingParams,
        request_id: str,
        options: dict[str, Any],
    ) -> None:
        self.params = params
        self.request_id = request_id
        # Taken here: a streamed answer is generated in another context.
        self.recorder = current_recorder()
        self._engine = engine
        self._plan = plan
        self._prompt = prompt
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
        with nullcontext() if self.recorder is None else recording() as recorder:
            outputs = self._engine.generate(
                self._prompt, self._child_params(index), self._id(index), **self._options
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
            reward=None if recorder is None else recorder.rewards[0],
            finish_reason=completion.finish_reason or "abort",
            completion_tokens=len(tokens),
            output=final,
        )

    def _id(self, index: int) -> str:
        return f"{self.request_id}-sample-{index}"

    def _child_params(self, index: int) -> SamplingParams:
        """The sample number i of a seeded request has the seed of vLLM's i-th choice of n."""
        seed = self.params.seed
        budget = self._plan.options.max_total_tokens
        limits = [limit for limit in (self.params.max_tokens, budget) if limit is not None]
        params: SamplingParams = msgspec.structs.replace(
            self.params,
            n=1,
            seed=None if seed is None else seed + index,
            max_tokens=min(limits, default=None),
            # A budget of tokens is watched while they are generated; else only the end matters.
            output_kind=RequestOutputKind.FINAL_ONLY
            if budget is None
            else RequestOutputKind.CUMULATIVE,
            _all_stop_token_ids=set(self.params.all_stop_token_ids),
        )
        return params
