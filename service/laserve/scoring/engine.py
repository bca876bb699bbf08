"""What scoring and selecting use of vLLM's engine client, typed."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Generic, Protocol, TypedDict, TypeVar, Unpack

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


class EngineParts(Protocol):
    """What whatever stands in front of an engine hands on of it."""

    @property
    def vllm_config(self) -> VllmConfig:
        """How the engine was started."""

    @property
    def renderer(self) -> BaseRenderer:
        """Makes token ids of text, and text of token ids."""

    async def abort(self, request_id: str | Iterable[str]) -> None:
        """End requests early."""


class Engine(EngineParts, Protocol):
    """The part of `vllm.engine.protocol.EngineClient`."""

    def generate(
        self,
        prompt: Prompt,
        sampling_params: SamplingParams,
        request_id: str,
        **options: Unpack[Options],
    ) -> AsyncGenerator[RequestOutput, None]:
        """The outputs of one request."""


BehindT = TypeVar("BehindT", bound=EngineParts)


class EngineFront(Generic[BehindT]):
    """Stands in front of an engine, and generates in a way of its own."""

    def __init__(self, engine: BehindT) -> None:
        self.engine = engine

    @property
    def vllm_config(self) -> VllmConfig:
        """As `EngineParts.vllm_config`."""
        return self.engine.vllm_config

    @property
    def renderer(self) -> BaseRenderer:
        """As `EngineParts.renderer`."""
        return self.engine.renderer

    async def abort(self, request_id: str | Iterable[str]) -> None:
        """As `EngineParts.abort`."""
        await self.engine.abort(request_id)
