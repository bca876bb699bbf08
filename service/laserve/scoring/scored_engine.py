"""The engine client that scores: vLLM's, with `generate` wrapped.

Start reading here. A request comes in with the user's sampling parameters and is armed (`arming`);
the worker reads the score after the EOS and sends it as tokens (`processor_v1`, `processor_v2`,
`worker.codec`); the message is taken off the outputs (`outputs`) and its value left on the
request's recorder (`recorder`). What cannot be scored that way is scored by a second request
(`post_hoc`), and so is what was written elsewhere (`ScoredEngine.score`).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from vllm.engine.protocol import EngineClient
from vllm.lora.request import LoRARequest
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import SamplingParams

from laserve.core.score import ScoreParameters
from laserve.core.types import Method, SelfReward, Status
from laserve.scoring.admission import check_admissible, grammar_errors_as_refusals
from laserve.scoring.arming import Arming
from laserve.scoring.outputs import Answer, Completion, unscored_status
from laserve.scoring.post_hoc import extended_prompt, post_hoc_length, read_logprob
from laserve.scoring.recorder import Recorder, current_recorder
from laserve.worker.codec import ScoreCodec

Observer = Callable[[SelfReward, int], None]
"""Told every self-reward, and how many tokens the engine computed for it."""


@dataclass(slots=True)
class _Request:
    """One call of `generate` that is to be scored."""

    prompt: Any
    params: SamplingParams
    request_id: str
    options: dict[str, Any]
    method: Method | None
    answer: Answer
    samples: dict[int, Completion] = field(default_factory=dict)

    def sample(self, index: int) -> Completion:
        return self.samples.setdefault(index, Completion(self.answer))


class ScoredEngine:
    """Stands in for vLLM's `EngineClient`: but for `generate`, whatever the client has is its own;
    `score` is added."""

    def __init__(
        self, engine: EngineClient, parameters: ScoreParameters, observer: Observer
    ) -> None:
        self._engine = engine
        self._parameters = parameters
        self._observer = observer
        vocab_size = engine.vllm_config.model_config.get_vocab_size()
        self._arming = Arming.for_engine(
            engine.vllm_config, ScoreCodec(vocab_size, parameters.z_c), parameters.eos_token_ids
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(
        self, prompt: Any, sampling_params: SamplingParams, request_id: str, **options: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        """As `EngineClient.generate`; inside `recording()` each answer gets its self-reward.

        The recorder is taken here, when vLLM's serving code asks for the generation: the outputs
        of a streamed answer are consumed later, in another context.
        """
        check_admissible(
            self._engine.vllm_config,
            sampling_params,
            (request_id, options.get("priority"), options.get("session_id")),
        )
        recorder = current_recorder()
        if recorder is None or isinstance(prompt, AsyncGenerator):
            return self._unscored(prompt, sampling_params, request_id, **options)
        method = self._arming.method(sampling_params)
        request = _Request(
            prompt=prompt,
            params=sampling_params,
            request_id=request_id,
            options=options,
            method=method,
            answer=self._answer(prompt, sampling_params, method),
        )
        return self._scored(request, recorder, recorder.reserve(sampling_params.n))

    async def score(
        self,
        prompt: Any,
        completion_token_ids: list[int],
        request_id: str,
        *,
        lora_request: LoRARequest | None = None,
        priority: int = 0,
        trace_headers: Mapping[str, str] | None = None,
    ) -> SelfReward:
        """The self-reward of a completion that was written elsewhere, read by a request of its own.

        ``prompt`` is rendered as for `generate`; ``completion_token_ids`` end with an EOS, which
        the caller sees to. Where the two leave no room to read the score the status says so.
        Raises VLLMValidationError where the options cannot reach the engine.
        """
        check_admissible(self._engine.vllm_config, SamplingParams(), (request_id, priority))
        reward = self._parameters.unscored(Status.ABORTED, Method.POST_HOC)
        try:
            reward = await self._read(
                prompt,
                completion_token_ids,
                request_id,
                lora_request=lora_request,
                priority=priority,
                trace_headers=trace_headers,
            )
            return reward
        finally:
            self._observer(reward, _second_request_tokens(reward))

    def _unscored(
        self, prompt: Any, params: SamplingParams, request_id: str, **options: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        """vLLM's own generation."""
        outputs = self._engine.generate(prompt, params, request_id, **options)
        return outputs if params.structured_outputs is None else grammar_errors_as_refusals(outputs)

    def _answer(self, prompt: Any, params: SamplingParams, method: Method | None) -> Answer:
        renderer = self._engine.renderer
        limit = params.max_tokens
        return Answer(
            params=params,
            armed=method == Method.IN_FLIGHT,
            prompt_token_ids=prompt.get("prompt_token_ids")
            if isinstance(prompt, Mapping)
            else None,
            tokenizer=renderer.tokenizer,
            primary_eos=renderer.get_eos_token_id(),
            eos_token_ids=self._arming.eos_token_ids,
            token_limit=self._arming.max_model_len if limit is None else limit,
        )

    async def _scored(
        self, request: _Request, recorder: Recorder, first_choice: int
    ) -> AsyncGenerator[RequestOutput, None]:
        params = self._arming.armed(request.params) if request.answer.armed else request.params
        pending = set(range(params.n))

        def record(index: int, reward: SelfReward, overhead: int) -> None:
            pending.discard(index)
            recorder.record(first_choice + index, reward)
            self._observer(reward, overhead)

        outputs = self._unscored(request.prompt, params, request.request_id, **request.options)
        try:
            async with aclosing(outputs):
                async for output in outputs:
                    updated = [request.sample(c.index).update(c) for c in output.outputs]
                    output.outputs = [c for c in updated if c is not None]
                    finished = [c for c in output.outputs if c.finished() and c.index in pending]
                    rewards = await asyncio.gather(*(self._reward(request, c) for c in finished))
                    for completion, reward in zip(finished, rewards, strict=True):
                        overhead = self._overhead(request, completion, reward)
                        record(completion.index, reward, overhead)
                    if output.outputs or output.finished:
                        yield output
        finally:
            for index in sorted(pending):
                record(index, self._parameters.unscored(Status.ABORTED), 0)

    async def _reward(self, request: _Request, completion: CompletionOutput) -> SelfReward:
        """The self-reward of a finished completion."""
        if request.method is None:
            return self._parameters.unscored(Status.IGNORE_EOS)
        sample = request.sample(completion.index)
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
        names = ("lora_request", "priority", "trace_headers")
        options = {name: request.options[name] for name in names if name in request.options}
        request_id = f"{request.request_id}-score-{index}"
        return await self._read(request.prompt, tokens, request_id, **options)

    async def _read(
        self, prompt: object, completion: list[int], request_id: str, **options: Any
    ) -> SelfReward:
        """The self-reward of a completion, its EOS included, by a request of its own."""
        extended = extended_prompt(prompt, completion)
        if extended is None:
            return self._parameters.unscored(Status.UNSUPPORTED, Method.POST_HOC)
        completed = len(cast(dict[str, Any], extended)["prompt_token_ids"])
        if post_hoc_length(self._engine.vllm_config, completed) > self._arming.max_model_len:
            return self._parameters.unscored(Status.CONTEXT_FULL, Method.POST_HOC)
        logprob = await read_logprob(
            self._engine, extended, self._parameters.z_c, request_id, **options
        )
        if logprob is None:
            return self._parameters.unscored(Status.ABORTED, Method.POST_HOC)
        return self._parameters.reward(logprob, Method.POST_HOC)

    @staticmethod
    def _overhead(request: _Request, completion: CompletionOutput, reward: SelfReward) -> int:
        """Tokens beyond plain vLLM's: the message, and what a second request generates."""
        return len(request.sample(completion.index).message) + _second_request_tokens(reward)


def _second_request_tokens(reward: SelfReward) -> int:
    """Tokens that a request for the score alone generated: one, where it was answered."""
    return int(reward.method == Method.POST_HOC and reward.logprob is not None)
