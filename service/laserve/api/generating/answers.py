"""What vLLM's serving objects return, as HTTP answers that carry the rewards.

Each function writes an answer as vLLM's route of the same API does (`api_router.py` of
`entrypoints/openai/*` and `entrypoints/anthropic`), and puts rewards and selection in on the
way. Without them the answer is plain vLLM's.
"""

from collections.abc import AsyncGenerator

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from vllm.entrypoints.anthropic.protocol import AnthropicMessagesResponse
from vllm.entrypoints.openai.chat_completion.api_router import (
    ENDPOINT_LOAD_METRICS_FORMAT_HEADER_LABEL,
)
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionResponse
from vllm.entrypoints.openai.completion.protocol import CompletionResponse
from vllm.entrypoints.openai.responses.protocol import ResponsesResponse, StreamingResponsesResponse
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.orca_metrics import metrics_header
from vllm.entrypoints.serve.utils.sse_keep_alive import with_sse_keep_alive

from laserve.api.generating.escalation import escalated, escalated_events
from laserve.api.generating.rewards import AnsweredRewards
from laserve.api.generating.selecting import Choosing
from laserve.api.generating.sse import amended
from laserve.api.wire.errors import as_answer
from laserve.api.wire.headers import (
    as_headers,
    checkpoint_values,
    reward_headers,
    reward_values,
    selection_values,
)
from laserve.vllm_seam.serving import ANY_CHUNK, LAST_CHUNK, MESSAGE_END


async def completion_answer(
    raw_request: Request,
    answer: ErrorResponse | ChatCompletionResponse | CompletionResponse | AsyncGenerator[str, None],
    rewards: AnsweredRewards | None,
    choosing: Choosing | None,
) -> Response:
    """A chat or text completion: a reward in each choice, and the selection that it was chosen
    by."""
    if isinstance(answer, ErrorResponse):
        return as_answer(answer)
    if isinstance(answer, AsyncGenerator):
        events = answer if rewards is None else amended(answer, LAST_CHUNK, rewards.into_choices)
        if choosing is not None:
            events = escalated_events(raw_request, choosing, events)
            events = amended(events, ANY_CHUNK, choosing.into_chunk)
            if choosing.progress is not None:
                events = choosing.progress.before(events)
        interval = float(raw_request.app.state.args.sse_keep_alive_interval)
        return _stream(raw_request, with_sse_keep_alive(events, interval), rewards)
    body = answer.model_dump()
    load_format = raw_request.headers.get(ENDPOINT_LOAD_METRICS_FORMAT_HEADER_LABEL, "")
    headers = dict(metrics_header(load_format) or {})
    values: dict[str, str] = {}
    if rewards is not None:
        rewards.into_choices(body)
    if choosing is not None:
        body = await escalated(raw_request, choosing, body)
        choosing.into_answer(body)
        values |= selection_values(choosing.outcome)
    if rewards is not None and "upstream" not in values:  # whose choice has no reward
        values |= reward_values(rewards.of_choice(0))
    return JSONResponse(body, headers=headers | as_headers(raw_request, values))


def responses_answer(
    raw_request: Request,
    answer: ErrorResponse | ResponsesResponse | AsyncGenerator[StreamingResponsesResponse, None],
    rewards: AnsweredRewards | None,
) -> Response:
    """A response of the Responses API: one reward."""
    if isinstance(answer, ErrorResponse):
        return as_answer(answer)
    if isinstance(answer, AsyncGenerator):
        return _stream(raw_request, _response_events(answer, rewards), rewards)
    if rewards is None:
        return JSONResponse(answer.model_dump(mode="json", by_alias=True))
    # The object, not its dump: vLLM may have stored it for GET /v1/responses/{response_id}.
    rewards.onto_response(answer)
    return JSONResponse(
        answer.model_dump(mode="json", by_alias=True),
        headers=reward_headers(raw_request, rewards.of_answer()),
    )


def message_answer(
    raw_request: Request,
    answer: ErrorResponse | AnthropicMessagesResponse | AsyncGenerator[str, None],
    rewards: AnsweredRewards | None,
) -> Response:
    """A message of Anthropic's Messages API: one reward. Errors take Anthropic's form further
    outside (`api.middleware.error_shape`)."""
    if isinstance(answer, ErrorResponse):
        return as_answer(answer)
    if isinstance(answer, AsyncGenerator):
        events = answer if rewards is None else amended(answer, MESSAGE_END, rewards.into_answer)
        return _stream(raw_request, events, rewards)
    body = answer.model_dump(exclude_none=True)
    if rewards is None:
        return JSONResponse(body)
    rewards.into_answer(body)
    return JSONResponse(body, headers=reward_headers(raw_request, rewards.of_answer()))


def _stream(
    raw_request: Request, events: AsyncGenerator[str, None], rewards: AnsweredRewards | None
) -> StreamingResponse:
    # What is known before the first token.
    values = {} if rewards is None else checkpoint_values(rewards.parameters)
    return StreamingResponse(
        events, media_type="text/event-stream", headers=as_headers(raw_request, values)
    )


async def _response_events(
    events: AsyncGenerator[StreamingResponsesResponse, None], rewards: AnsweredRewards | None
) -> AsyncGenerator[str, None]:
    async for event in events:
        if rewards is not None and event.type in ("response.completed", "response.incomplete"):
            rewards.onto_response(event.response)
        yield f"event: {event.type}\ndata: {event.model_dump_json(by_alias=True)}\n\n"
