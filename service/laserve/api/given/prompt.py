"""The prompt of a given text, rendered by vLLM's serving object as for a generation: the same chat
template, model check, adapters and admission."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from vllm.entrypoints.openai.chat_completion.api_router import chat
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
from vllm.entrypoints.openai.completion.api_router import completion
from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.inputs import EngineInput
from vllm.sampling_params import SamplingParams

from laserve.api.generating.schemas import ScoredChatCompletionRequest, ScoredCompletionRequest
from laserve.api.given.schemas import GivenTextRequest, SelfRewardRequest
from laserve.api.given.tokens import CompletionTokens, check_vocabulary
from laserve.errors import RequestError
from laserve.scoring.admission import check_admissible
from laserve.scoring.engine import ScoringOptions
from laserve.scoring.score_token import check_scorable_prompt, prompt_token_ids
from laserve.serving.deployment import Deployment
from laserve.serving.scope import bound_scope
from laserve.vllm_seam.serving import asked


@dataclass(frozen=True, slots=True)
class GivenPrompt:
    """A rendered prompt, and what goes to the engine with it."""

    deployment: Deployment
    """The checkpoint that scores."""
    engine_input: EngineInput
    options: ScoringOptions
    model: str
    """The name that is answered."""
    base_id: str

    @property
    def length(self) -> int:
        """In tokens; 0 where the prompt has none, which the engine does not score."""
        return len(prompt_token_ids(self.engine_input) or ())

    @property
    def chat_template(self) -> object:
        """The tokenizer's own; None where it has none."""
        return getattr(self.deployment.scored.renderer.get_tokenizer(), "chat_template", None)

    def tokens_of(self, field: str) -> CompletionTokens:
        """Makes token ids of the completions in a field of the request."""
        return CompletionTokens(
            self.deployment.scored, self.deployment.parameters, self.length, field
        )

    def tokens_read(self, completions: Sequence[list[int]]) -> int:
        """What the answer's usage counts."""
        return sum(self.length + len(tokens) for tokens in completions)


async def completion_prompt(
    request: SelfRewardRequest, sequences: int, raw_request: Request
) -> GivenPrompt | ErrorResponse:
    """The prompt of /v1/completions, or vLLM's refusal.

    ``sequences``: how many the engine is to have room for. Raises RequestError,
    RequestValidationError, or vLLM's own errors.
    """
    serving = completion(raw_request)
    if serving is None:
        raise NotImplementedError("The model does not support Completions API")
    if request.prompt_token_ids is not None:
        vocab_size = serving.model_config.get_vocab_size()
        check_vocabulary("prompt_token_ids", request.prompt_token_ids, vocab_size)
    prompt = request.prompt_token_ids or request.prompt or ""
    vllm_request = request.completion_request(prompt, sequences)
    rendered = await serving.render_completion_request(vllm_request)
    if isinstance(rendered, ErrorResponse):
        return rendered
    return await _given_prompt(serving, vllm_request, rendered, raw_request)


async def chat_prompt(
    request: GivenTextRequest,
    messages: list[dict[str, Any]],
    sequences: int,
    raw_request: Request,
) -> GivenPrompt | ErrorResponse:
    """The prompt of /v1/chat/completions, its generation prompt included; else as above."""
    serving = chat(raw_request)
    if serving is None:
        raise NotImplementedError("The model does not support Chat Completions API")
    vllm_request = request.chat_request(messages, sequences)
    rendered = await serving.render_chat_request(vllm_request)
    if isinstance(rendered, ErrorResponse):
        return rendered
    return await _given_prompt(serving, vllm_request, rendered[1], raw_request)


async def _given_prompt(
    serving: OpenAIServingChat | OpenAIServingCompletion,
    vllm_request: ScoredChatCompletionRequest | ScoredCompletionRequest,
    rendered: list[EngineInput],
    raw_request: Request,
) -> GivenPrompt:
    [engine_input] = rendered
    if prompt_token_ids(engine_input) == []:
        raise RequestError("the prompt has no token: give the text that is to be answered")
    deployment = bound_scope().deployment
    check_scorable_prompt(engine_input, deployment.parameters.z_c, deployment.scored.renderer)
    of_request = await asked(serving, vllm_request, raw_request)
    identifiers = (of_request.request_id, of_request.priority)
    # A header may state the priority, which no schema has checked then.
    check_admissible(deployment.client.vllm_config, SamplingParams(), identifiers)
    return GivenPrompt(
        deployment=deployment,
        engine_input=engine_input,
        options={
            "lora_request": of_request.adapter,
            "priority": of_request.priority,
            "trace_headers": of_request.trace_headers,
        },
        model=of_request.model,
        base_id=of_request.request_id,
    )
