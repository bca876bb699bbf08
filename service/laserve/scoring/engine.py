"""What scoring and selecting use of vLLM's engine client, typed."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Protocol, TypedDict, Unpack

from vllm.config import VllmConfig
from vllm.engine.protocol import StreamingInput
from vllm.inputs import EngineInput, PromptType
from vllm.lora.request import LoRARequest
from vllm.outputs import RequestOutput
from vllm.renderers import BaseRenderer
from vllm.sampling_params import SamplingParams
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.kv_hints import KvHintsEnvelope

Prompt = EngineCoreRequest | PromptType | EngineInput | AsyncGenerator[StreamingInput, None]
"""What `EngineClient.generate` takes; vLLM's serving objects render an `EngineInput`."""


class ScoringOptions(TypedDict, total=False):
    """Options of a generation that the request for its score has, too."""

    lora_request: LoRARequest | None
    trace_headers: Mapping[str, str] | None
    priority: int


class Options(ScoringOptions, total=False):
    """Keyword arguments of `EngineClient.generate`."""

    prompt_text: str | None
    tokenization_kwargs: dict[str, Any] | None
    data_parallel_rank: int | None
    session_id: str | None
    kv_hints: KvHintsEnvelope | None
    reasoning_ended: bool | None
    reasoning_parser_kwargs: dict[str, Any] | None


class Engine(Protocol):
    """The part of `vllm.engine.protocol.EngineClient`."""

    @property
    def vllm_config(self) -> VllmConfig:
        """How the engine was started."""

    @property
    def renderer(self) -> BaseRenderer:
        """Makes token ids of text, and text of token ids."""

    def generate(
        self,
        prompt: Prompt,
        sampling_params: SamplingParams,
        request_id: str,
        **options: Unpack[Options],
    ) -> AsyncGenerator[RequestOutput, None]:
        """The outputs of one request."""

    async def abort(self, request_id: str | Iterable[str]) -> None:
        """End requests early."""
