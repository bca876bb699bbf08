"""The scored engine without a server: what `laserve serve` would run, for a program of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import cast

from pydantic import JsonValue
from transformers import PreTrainedTokenizerBase
from vllm import AsyncEngineArgs
from vllm.inputs.engine import tokens_input
from vllm.logprobs import SampleLogprobs
from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.core.score import ScoreParameters
from laserve.core.types import SelfReward
from laserve.hot_load.engine_calls import lay_score_row
from laserve.launch.serve import parse_serve_flags, switch_scoring_on
from laserve.scoring.admission import check_admissible
from laserve.scoring.rewards import Rewards
from laserve.scoring.scored_engine import ScoredEngine
from laserve.selecting.plan import SelectionPlan
from laserve.selecting.sampling import check_sampled_alike
from laserve.selecting.select import sample_params, select
from laserve.selection.selector import Selection


@dataclass(frozen=True, slots=True)
class Completed:
    """One finished completion."""

    token_ids: tuple[int, ...]
    """With its EOS, where it has one."""
    text: str
    reward: SelfReward
    finish_reason: str
    """As the engine states it: `stop`, `length`, ..."""
    logprobs: tuple[Mapping[int, float], ...] | None
    """For each token, by token id: the log-probabilities of itself and of the most probable ones,
    in nats, before temperature; None where they were not asked for."""


class OfflineEngine:
    """Asks a scored engine for completions of token ids."""

    def __init__(
        self,
        engine: ScoredEngine,
        parameters: ScoreParameters,
        chat_template_kwargs: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self.parameters = parameters
        self.chat_template_kwargs = chat_template_kwargs
        """What conversations are to be rendered with."""
        self._engine = engine
        self._numbers = count()

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's."""
        return cast(PreTrainedTokenizerBase, self._engine.renderer.get_tokenizer())

    @property
    def max_model_len(self) -> int:
        """The context limit, in tokens."""
        return int(self._engine.vllm_config.model_config.max_model_len)

    async def complete(
        self,
        prompt_token_ids: Sequence[int],
        *,
        n: int,
        max_tokens: int,
        temperature: float = 1.0,
        seed: int | None = None,
        logprobs: int | None = None,
    ) -> tuple[Completed, ...]:
        """`n` samples of one prompt, in order. The same `seed` gives the same samples. `logprobs`:
        how many of the most probable tokens to report at each place, 20 at most by default."""
        params = SamplingParams(
            n=n,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            logprobs=logprobs,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        completed: dict[int, Completed] = {}
        rewards = Rewards()
        outputs = self._engine.generate(
            tokens_input(list(prompt_token_ids)), params, self._admitted(params), rewards
        )
        async for output in outputs:
            for sample in output.outputs:
                completed[sample.index] = Completed(
                    token_ids=tuple(sample.token_ids),
                    text=sample.text,
                    reward=rewards.by_choice[sample.index],
                    finish_reason=sample.finish_reason or "abort",
                    logprobs=_plain(sample.logprobs),
                )
        return tuple(completed[index] for index in sorted(completed))

    async def select(
        self,
        prompt_token_ids: Sequence[int],
        plan: SelectionPlan,
        *,
        max_tokens: int | None = None,
        temperature: float = 1.0,
        seed: int | None = None,
    ) -> Selection[RequestOutput]:
        """One of many samples of a prompt, by `plan`, as the server selects. `max_tokens` None:
        as many as the context holds."""
        params = SamplingParams(
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        if plan.sampling is not None:
            check_sampled_alike(params, plan.sampling)
        prompt = tokens_input(list(prompt_token_ids))
        request_id = self._admitted(sample_params(params, plan.options, plan.options.n_max - 1))
        return await select(self._engine, plan, prompt, params, request_id, scored=True)

    def _admitted(self, params: SamplingParams) -> str:
        """The id of a new request. Raises VLLMValidationError where the engine cannot take it."""
        request_id = f"offline-{next(self._numbers)}"
        check_admissible(self._engine.vllm_config, params, (request_id,))
        return request_id


def _plain(logprobs: SampleLogprobs | None) -> tuple[Mapping[int, float], ...] | None:
    if logprobs is None:
        return None
    return tuple(
        {token: one.logprob for token, one in (position or {}).items()} for position in logprobs
    )


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
        if row := args.laserve_row:
            await lay_score_row(engine, row.folder, row.manifest.z_c)
        parameters: ScoreParameters = args.laserve_parameters
        scored = ScoredEngine(engine, parameters, observer=lambda reward, overhead: None)
        yield OfflineEngine(scored, parameters, args.default_chat_template_kwargs)
    finally:
        engine.shutdown()
