"""The engine that scores: vLLM's client, with `generate` wrapped.

Start reading here. A request comes in with the user's sampling parameters and is armed (`arming`);
the worker reads the score after the EOS and sends it as tokens (`processor_v1`, `processor_v2`,
`worker.codec`); the message is taken off the outputs (`outputs`) and its value left for the answer
(`rewards`). What cannot be scored that way is scored by a second request (`post_hoc`), and so is
what was written elsewhere (`ScoredEngine.score`).

Requests are admissible by the time they come here (`admission`).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Unpack, cast

from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.core.score import ScoreParameters
from laserve.core.types import Method, SelfReward, Status
from laserve.scoring.admission import refuse_grammar_errors
from laserve.scoring.arming import Arming
from laserve.scoring.engine import Engine, EngineFront, Options, Prompt, ScoringOptions
from laserve.scoring.outputs import Answer, Completion, unscored_status
from laserve.scoring.post_hoc import extended_prompt, post_hoc_length, read_logprob
from laserve.scoring.rewards import Rewards
from laserve.scoring.score_token import prompt_token_ids
from laserve.scoring.under_way import UnderWay
from laserve.worker.codec import ScoreCodec

ScoreObserver = Callable[[SelfReward, int], None]
"""Told every self-reward, and how many tokens the engine computed for it."""


@dataclass(slots=True)
class _Request:
    """One call of `generate` that is to be scored."""

    prompt: Prompt
    request_id: str
    options: Options
    method: Method | None
    samples: list[Completion]
    rewards: Rewards
    first_choice: int
    pending: set[int]
    """The samples that have no reward yet."""


class ScoredEngine(EngineFront[Engine]):
    """One engine with the constants of one checkpoint's score."""

    def __init__(
        self,
        engine: Engine,
        parameters: ScoreParameters,
        observer: ScoreObserver,
        translating: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """``translating``: what each generation runs in, to make another error of the engine's."""
        super().__init__(engine)
        self._translating = translating
        self._parameters = parameters
        self._observer = observer
        self.under_way = UnderWay()
        vocab_size = engine.vllm_config.model_config.get_vocab_size()
        self._arming = Arming.for_engine(
            engine.vllm_config, ScoreCodec(vocab_size, parameters.z_c), parameters.eos_token_ids
        )

    def generate(
        self,
        prompt: Prompt,
        sampling_params: SamplingParams,
        request_id: str,
        rewards: Rewards | None,
        **options: Unpack[Options],
    ) -> AsyncGenerator[RequestOutput, None]:
        """As `EngineClient.generate`. The self-reward of each choice is in ``rewards`` before its
        final output is yielded; with None the generation is plain vLLM's, at no cost."""
        if rewards is None or isinstance(prompt, AsyncGenerator):
            return self._generated(prompt, sampling_params, request_id, options, None)
        method = self._arming.method(sampling_params)
        answer = self._answer(prompt, sampling_params, method)
        n = sampling_params.n
        request = _Request(
            prompt=prompt,
            request_id=request_id,
            options=options,
            method=method,
            samples=[Completion(answer) for _ in range(n)],
            rewards=rewards,
            first_choice=rewards.reserve(n),
            pending=set(range(n)),
        )
        in_flight = method == Method.IN_FLIGHT
        params = self._arming.armed(sampling_params) if in_flight else sampling_params
        return self._generated(prompt, params, request_id, options, request)

    async def score(
        self,
        prompt: Prompt,
        completion_token_ids: list[int],
        request_id: str,
        **options: Unpack[ScoringOptions],
    ) -> SelfReward:
        """The self-reward of a completion that was written elsewhere, read by a request of its own.

        ``prompt`` is rendered as for `generate`; ``completion_token_ids`` end with an EOS, which
        the caller sees to. Where the two leave no room to read the score the status says so.
        """
        reward = self._parameters.unscored(Status.ABORTED, Method.POST_HOC)
        try:
            with self.under_way.one_more(), self._translating():
                reward = await self._read(prompt, completion_token_ids, request_id, options)
            return reward
        finally:
            self._observer(reward, _second_request_tokens(reward))

    def _answer(self, prompt: Prompt, params: SamplingParams, method: Method | None) -> Answer:
        renderer = self.engine.renderer
        limit = params.max_tokens
        return Answer(
            params=params,
            is_delta=params.output_kind == RequestOutputKind.DELTA,
            armed=method == Method.IN_FLIGHT,
            prompt_token_ids=prompt_token_ids(prompt),
            tokenizer=renderer.tokenizer,
            primary_eos=renderer.get_eos_token_id(),
            eos_token_ids=self._arming.eos_token_ids,
            token_limit=self._arming.max_model_len if limit is None else limit,
        )

    async def _generated(
        self,
        prompt: Prompt,
        params: SamplingParams,
        request_id: str,
        options: Options,
        request: _Request | None,
    ) -> AsyncGenerator[RequestOutput, None]:
        """vLLM's own generation, scored where there is a request for that. All that is done for
        each of its outputs."""
        is_structured = params.structured_outputs is not None
        with self.under_way.one_more(), self._translating(), self._rewarding(request):
            outputs = self.engine.generate(prompt, params, request_id, **options)
            async with aclosing(outputs):
                async for output in outputs:
                    if is_structured:
                        refuse_grammar_errors(output)
                    if request is not None:
                        samples = request.samples
                        ending = [c for c in output.outputs if not samples[c.index].passes(c)]
                        if ending:
                            await self._settle(request, output, ending)
                            if not output.outputs and not output.finished:
                                continue
                    self.under_way.hand_over()
                    try:
                        yield output
                    finally:
                        self.under_way.take_up()

    @contextmanager
    def _rewarding(self, request: _Request | None) -> Iterator[None]:
        """At the end of this block each sample of the request has a reward."""
        try:
            yield
        finally:
            if request is not None:
                for index in sorted(request.pending):
                    self._record(request, index, self._parameters.unscored(Status.ABORTED), 0)

    async def _settle(
        self, request: _Request, output: RequestOutput, ending: list[CompletionOutput]
    ) -> None:
        """Leave in `output` what plain vLLM would have given, and the rewards of what finished."""
        settled = {c.index: request.samples[c.index].settled(c) for c in ending}
        updated = (settled.get(c.index, c) for c in output.outputs)
        output.outputs = [c for c in updated if c is not None]
        finished = [c for c in output.outputs if c.finished() and c.index in request.pending]
        read = await asyncio.gather(*(self._reward(request, c) for c in finished))
        for completion, reward in zip(finished, read, strict=True):
            overhead = self._overhead(request, completion, reward)
            self._record(request, completion.index, reward, overhead)

    def _record(self, request: _Request, index: int, reward: SelfReward, overhead: int) -> None:
        request.pending.discard(index)
        request.rewards.record(request.first_choice + index, reward)
        self._observer(reward, overhead)

    async def _reward(self, request: _Request, completion: CompletionOutput) -> SelfReward:
        """The self-reward of a finished completion."""
        if request.method is None:
            return self._parameters.unscored(Status.IGNORE_EOS)
        sample = request.samples[completion.index]
        status = unscored_status(completion, self._arming.eos_token_ids)
        if status is not None:
            return self._parameters.unscored(status)
        logprob = self._arming.codec.decode(sample.message)
        if logprob is not None:
            return self._parameters.reward(logprob, Method.IN_FLIGHT)
        if sample.aborted:
            return self._parameters.unscored(Status.ABORTED)
        return await self._post_hoc(request, completion.index, sample.answer_tokens)

    async def _post_hoc(self, request: _Request, index: int, tokens: list[int]) -> SelfReward:
        if self._parameters.z_c in tokens:  # nothing masks it in what is not armed
            return self._parameters.unscored(Status.UNSUPPORTED)
        options = cast(
            ScoringOptions,
            {
                name: value
                for name, value in request.options.items()
                if name in ScoringOptions.__optional_keys__
            },
        )
        request_id = f"{request.request_id}-score-{index}"
        return await self._read(request.prompt, tokens, request_id, options)

    async def _read(
        self, prompt: Prompt, completion: list[int], request_id: str, options: ScoringOptions
    ) -> SelfReward:
        """The self-reward of a completion, its EOS included, by a request of its own."""
        extended = extended_prompt(prompt, completion)
        if extended is None:
            return self._parameters.unscored(Status.UNSUPPORTED, Method.POST_HOC)
        completed = len(cast(dict[str, Any], extended)["prompt_token_ids"])
        if post_hoc_length(self.engine.vllm_config, completed) > self._arming.max_model_len:
            return self._parameters.unscored(Status.CONTEXT_FULL, Method.POST_HOC)
        logprob = await read_logprob(
            self.engine, extended, self._parameters.z_c, request_id, options
        )
        if logprob is None:
            return self._parameters.unscored(Status.ABORTED, Method.POST_HOC)
        return self._parameters.reward(logprob, Method.POST_HOC)

    @staticmethod
    def _overhead(request: _Request, completion: CompletionOutput, reward: SelfReward) -> int:
        """Tokens beyond plain vLLM's: the message, and what a second request generates."""
        return len(request.samples[completion.index].message) + _second_request_tokens(reward)


def _second_request_tokens(reward: SelfReward) -> int:
    """Tokens that a request for the score alone generated: one, where it was answered."""
    return int(reward.method == Method.POST_HOC and reward.logprob is not None)
