"""The scored engine without a server: what `laserve serve` would run, for a program of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from vllm import AsyncEngineArgs
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.core.score import ScoreParameters
from laserve.core.types import SelfReward
from laserve.engine.launch import parse_serve_flags, switch_scoring_on
from laserve.engine.recorder import recording
from laserve.engine.scored_engine import ScoredEngine


@dataclass(frozen=True, slots=True)
class Completed:
    """One finished completion."""

    token_ids: tuple[int, ...]
    """With its EOS, where it has one."""
    text: str
    reward: SelfReward


class OfflineEngine:
    """Asks a scored engine for completions of token ids."""

    def __init__(self, engine: ScoredEngine, parameters: ScoreParameters) -> None:
        self.parameters = parameters
        self._engine = engine
        self._numbers = count()

    async def complete(
        self,
        prompt_token_ids: Sequence[int],
        *,
        n: int,
        max_tokens: int,
        temperature: float = 1.0,
        seed: int | None = None,
    ) -> tuple[Completed, ...]:
        """`n` samples of one prompt, in order. The same `seed` gives the same samples."""
        params = SamplingParams(
            n=n,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        completed: dict[int, Completed] = {}
        with recording() as recorder:
            outputs = self._engine.generate(
                tokens_input(list(prompt_token_ids)), params, f"offline-{next(self._numbers)}"
            )
        async for output in outputs:
            for sample in output.outputs:
                completed[sample.index] = Completed(
                    tuple(sample.token_ids), sample.text, recorder.rewards[sample.index]
                )
        return tuple(completed[index] for index in sorted(completed))


@asynccontextmanager
async def open_engine(argv: Sequence[str]) -> AsyncIterator[OfflineEngine]:
    """Start an engine as `laserve serve` does with `argv`; stop it at the end.

    Raises ConfigurationError where the model cannot be scored as asked.
    """
    args = parse_serve_flags(argv)
    switch_scoring_on(args)
    engine = AsyncLLM.from_engine_args(
        AsyncEngineArgs.from_cli_args(args), usage_context=UsageContext.LLM_CLASS
    )
    try:
        parameters: ScoreParameters = args.laserve_parameters
        scored = ScoredEngine(engine, parameters, observer=lambda reward, overhead: None)
        yield OfflineEngine(scored, parameters)
    finally:
        engine.shutdown()
