"""Stand-ins for vLLM's serving objects: fixed answers from an engine that leaves fixed rewards.

The schemas, the stream formats and Anthropic's conversion are vLLM's own.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from vllm import SamplingParams
from vllm.entrypoints.anthropic.protocol import AnthropicMessagesResponse
from vllm.entrypoints.anthropic.serving import AnthropicServingMessages
from vllm.entrypoints.generate.base.protocol import DeltaMessage
from vllm.entrypoints.openai.chat_completion.protocol import (
    BatchChatCompletionRequest,
    ChatCompletionRequest,
    ChatCompletionResponse,
    ChatCompletionResponseChoice,
    ChatCompletionResponseStreamChoice,
    ChatCompletionStreamResponse,
    ChatMessage,
)
from vllm.entrypoints.openai.completion.protocol import (
    CompletionRequest,
    CompletionResponse,
    CompletionResponseChoice,
    CompletionResponseStreamChoice,
    CompletionStreamResponse,
)
from vllm.entrypoints.openai.responses.protocol import (
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponsesRequest,
    ResponsesResponse,
    StreamingResponsesResponse,
)
from vllm.entrypoints.serve.engine.protocol import ErrorResponse, ModelCard, ModelList, UsageInfo
from vllm.entrypoints.serve.exception_handling.error_response import create_error_response

from laserve.core.score import ScoreParameters
from laserve.core.types import Method, SelfReward
from laserve.serving.scope import current_scope

PARAMETERS = ScoreParameters(
    z_c=3,
    eos_token_ids=frozenset({0, 2}),
    c_ref=-10.0,
    beta_v=0.1,
    threshold=0.5,
    checkpoint="org/tiny",
    version=1,
    weights="0123456789ab",
)
TRICKY_TEXT = '{"finish_reason":"stop"}\nevent: message_delta\n"é'
"""A completion that looks like the marks of a stream's last event."""


def reward_of(choice: int) -> SelfReward:
    return PARAMETERS.reward(-5.0 - choice, Method.IN_FLIGHT)


class FakeEngine:
    """Notices what is asked for when `generate` is called, and leaves the rewards there later."""

    def __init__(self) -> None:
        self.armed: list[bool] = []
        self.closed = 0
        self.error: Exception | None = None

    def generate(self, n: int = 1) -> AsyncGenerator[int, None]:
        scope = current_scope()
        rewards = None if scope is None else scope.rewards
        self.armed.append(rewards is not None)
        if self.error is not None:
            raise self.error
        first = rewards.reserve(n) if rewards else 0

        async def outputs() -> AsyncGenerator[int, None]:
            try:
                for choice in reversed(range(first, first + n)):  # choices end in any order
                    if rewards:
                        rewards.record(choice, reward_of(choice))
                    yield choice - first
            finally:
                self.closed += 1

        return outputs()


class FakeServingChat:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.error: ErrorResponse | None = None

    async def create_chat_completion(
        self, request: ChatCompletionRequest, raw_request: Any = None
    ) -> ChatCompletionResponse | ErrorResponse | AsyncGenerator[str, None]:
        if self.error is not None:
            return self.error
        outputs = self.engine.generate(request.n or 1)
        if request.stream:
            return self._stream(request, outputs)
        choices = [
            ChatCompletionResponseChoice(
                index=index, message=ChatMessage(role="assistant", content=TRICKY_TEXT)
            )
            async for index in outputs
        ]
        return ChatCompletionResponse(
            id="chatcmpl-1",
            created=1,
            model="tiny",
            choices=sorted(choices, key=lambda choice: choice.index),
            usage=UsageInfo(prompt_tokens=4, completion_tokens=5, total_tokens=9),
        )

    async def _stream(
        self, request: ChatCompletionRequest, outputs: AsyncIterator[int]
    ) -> AsyncGenerator[str, None]:
        async for index in outputs:
            for text, finish_reason in ((TRICKY_TEXT, None), ("", "stop")):
                yield self._chunk(
                    [
                        ChatCompletionResponseStreamChoice(
                            index=index,
                            delta=DeltaMessage(content=text),
                            finish_reason=finish_reason,
                        )
                    ]
                )
        if request.stream_options:
            yield self._chunk([], usage=UsageInfo(completion_tokens=5))
        yield "data: [DONE]\n\n"

    def _chunk(self, choices: list[ChatCompletionResponseStreamChoice], **fields: Any) -> str:
        chunk = ChatCompletionStreamResponse(
            id="chatcmpl-1", created=1, model="tiny", choices=choices, **fields
        )
        return f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n"


class FakeServingBatch:
    """One choice for each conversation."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def create_batch_chat_completion(
        self, request: BatchChatCompletionRequest, raw_request: Any = None
    ) -> ChatCompletionResponse:
        outputs = [self.engine.generate() for _ in request.messages]
        for each in outputs:
            async for _ in each:
                pass
        message = ChatMessage(role="assistant", content=TRICKY_TEXT)
        return ChatCompletionResponse(
            id="chatcmpl-1",
            created=1,
            model="tiny",
            choices=[
                ChatCompletionResponseChoice(index=index, message=message)
                for index in range(len(outputs))
            ],
            usage=UsageInfo(),
        )


class FakeModels:
    """The served model and an adapter, whose name has a slash."""

    async def show_available_models(self) -> ModelList:
        return ModelList(
            data=[
                ModelCard(id="tiny", max_model_len=64, created=1),
                ModelCard(id="org/adapter", parent="tiny", created=1),
            ]
        )


class FakeServingCompletion:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def create_completion(
        self, request: CompletionRequest, raw_request: Any = None
    ) -> CompletionResponse | AsyncGenerator[str, None]:
        prompts = request.prompt if isinstance(request.prompt, list) else [request.prompt]
        outputs = [self.engine.generate(request.n) for _ in prompts]
        if request.stream:
            return self._stream(request.n, outputs)
        choices = [
            CompletionResponseChoice(
                index=prompt * request.n + sample, text=TRICKY_TEXT, finish_reason="stop"
            )
            for prompt, samples in enumerate(outputs)
            async for sample in samples
        ]
        return CompletionResponse(
            id="cmpl-1",
            created=1,
            model="tiny",
            choices=sorted(choices, key=lambda choice: choice.index),
            usage=UsageInfo(),
        )

    async def _stream(
        self, n: int, outputs: list[AsyncGenerator[int, None]]
    ) -> AsyncGenerator[str, None]:
        for prompt, samples in enumerate(outputs):
            async for sample in samples:
                chunk = CompletionStreamResponse(
                    id="cmpl-1",
                    created=1,
                    model="tiny",
                    choices=[
                        CompletionResponseStreamChoice(
                            index=prompt * n + sample, text=TRICKY_TEXT, finish_reason="length"
                        )
                    ],
                )
                yield f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n"
        yield "data: [DONE]\n\n"


class FakeServingResponses:
    """Starts its generation while the stream is read, as vLLM's does."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.stored: ResponsesResponse | None = None
        self.background_tasks: dict[str, asyncio.Task[None]] = {}

    async def create_responses(
        self, request: ResponsesRequest, raw_request: Any = None
    ) -> ResponsesResponse | AsyncGenerator[StreamingResponsesResponse, None]:
        if request.stream:
            return self._stream(request)
        if request.background:
            self.background_tasks[request.request_id] = asyncio.create_task(asyncio.sleep(0))
        async for _ in self.engine.generate():
            pass
        self.stored = self._response(request, "completed")
        return self.stored

    async def retrieve_responses(self, response_id: str, **_: Any) -> ResponsesResponse | None:
        return self.stored

    async def _stream(
        self, request: ResponsesRequest
    ) -> AsyncGenerator[StreamingResponsesResponse, None]:
        yield ResponseCreatedEvent(
            type="response.created",
            sequence_number=0,
            response=self._response(request, "in_progress"),
        )
        async for _ in self.engine.generate():
            pass
        yield ResponseCompletedEvent(
            type="response.completed",
            sequence_number=1,
            response=self._response(request, "completed"),
        )

    def _response(self, request: ResponsesRequest, status: Any) -> ResponsesResponse:
        response = ResponsesResponse.from_request(
            request, SamplingParams(max_tokens=8), "tiny", 1, output=[], status=status
        )
        response.id = "resp_1"
        return response


class FakeServingMessages(AnthropicServingMessages):
    """vLLM's conversion between Anthropic's API and chat, around the fake chat."""

    def __init__(self, chat: FakeServingChat) -> None:
        self.chat = chat

    async def create_messages(
        self, request: Any, raw_request: Any = None
    ) -> AsyncGenerator[str, None] | AnthropicMessagesResponse | ErrorResponse:
        answer = await self.chat.create_chat_completion(self.to_chat_completion_request(request))
        if isinstance(answer, ErrorResponse):
            return answer
        if isinstance(answer, ChatCompletionResponse):
            return self.messages_full_converter(answer)
        return self.message_stream_converter(answer)


def model_not_found() -> ErrorResponse:
    error = create_error_response("The model `other` does not exist.", "NotFoundError")
    error.error.code = 404
    return error
