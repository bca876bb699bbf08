"""The routes that answer with scores, in place of vLLM's of the same path.

Each hands its request to vLLM's own serving object, as vLLM's route does, and scores what that
generates.
"""

from typing import TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from vllm.entrypoints.anthropic.api_router import messages
from vllm.entrypoints.anthropic.protocol import AnthropicErrorResponse
from vllm.entrypoints.openai.chat_completion.api_router import batch_chat, chat
from vllm.entrypoints.openai.completion.api_router import completion
from vllm.entrypoints.openai.responses.api_router import responses
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.api_utils import validate_json_request

from laserve.api.document import complete_document
from laserve.api.generating.answers import completion_answer, message_answer, responses_answer
from laserve.api.generating.background import tell_end
from laserve.api.generating.reading import chat_reader
from laserve.api.generating.rewards import ask_for_rewards
from laserve.api.generating.schemas import (
    ScoredBatchRequest,
    ScoredChatCompletionRequest,
    ScoredChatCompletionResponse,
    ScoredCompletionRequest,
    ScoredCompletionResponse,
    ScoredMessagesRequest,
    ScoredMessagesResponse,
    ScoredResponsesRequest,
    ScoredResponsesResponse,
)
from laserve.api.generating.selecting import ask_for_selection
from laserve.api.generating.unscored import refuse_where_unscored
from laserve.api.given import routes as given
from laserve.api.middleware.head import HeadMiddleware
from laserve.api.page import mount_page
from laserve.api.served import active, checkpoints, models
from laserve.api.wire.parsing import parsed
from laserve.api.wire.routing import (
    as_in_sagemaker,
    as_in_vllm,
    documented,
    require_object,
    streamed,
)
from laserve.selecting.plan import read_plainly

Serving = TypeVar("Serving")

router = APIRouter(dependencies=[Depends(validate_json_request)])


def mount(app: FastAPI) -> None:
    """Register LaServe's routes on vLLM's application.

    The routes read `app.state.laserve`, a `LaServeState`, which is to be set before the first
    request.
    """
    app.include_router(router)
    app.include_router(given.router)
    app.include_router(active.router)  # before the loads, by whose id it is not found
    app.include_router(checkpoints.router)
    app.include_router(models.router)
    app.router.add_api_route(
        "/invocations",
        as_in_sagemaker(invoke),
        methods=["POST"],
        name="invocations",
        responses=streamed(ScoredChatCompletionResponse, ErrorResponse),
        dependencies=[Depends(validate_json_request), Depends(require_object)],
    )
    mount_page(app)
    refuse_where_unscored(app)
    complete_document(app)
    app.add_middleware(HeadMiddleware)


@router.post(
    "/v1/chat/completions", responses=streamed(ScoredChatCompletionResponse, ErrorResponse)
)
@as_in_vllm
async def create_chat_completion(
    request: ScoredChatCompletionRequest, raw_request: Request
) -> Response:
    """A chat completion, each choice with its self-reward; one of many samples, by selection."""
    serving = _offered(chat(raw_request), "Chat Completions")
    rewards = ask_for_rewards(request)
    choice = await ask_for_selection(request, raw_request, chat_reader(serving, request))
    answer = await serving.create_chat_completion(request, raw_request)
    return await completion_answer(raw_request, answer, rewards, choice)


@router.post(
    "/v1/chat/completions/batch", responses=documented(ScoredChatCompletionResponse, ErrorResponse)
)
@as_in_vllm
async def create_batch(request: ScoredBatchRequest, raw_request: Request) -> Response:
    """A choice for each conversation, with its self-reward."""
    serving = _offered(batch_chat(raw_request), "Chat Completions")
    rewards = ask_for_rewards(request)
    answer = await serving.create_batch_chat_completion(request, raw_request)
    return await completion_answer(raw_request, answer, rewards, None)


@router.post("/v1/completions", responses=streamed(ScoredCompletionResponse, ErrorResponse))
@as_in_vllm
async def create_completion(request: ScoredCompletionRequest, raw_request: Request) -> Response:
    """A text completion, as for chat."""
    serving = _offered(completion(raw_request), "Completions")
    rewards = ask_for_rewards(request)
    choice = await ask_for_selection(request, raw_request, read_plainly)
    answer = await serving.create_completion(request, raw_request)
    return await completion_answer(raw_request, answer, rewards, choice)


@router.post("/v1/responses", responses=streamed(ScoredResponsesResponse, ErrorResponse))
@as_in_vllm
async def create_response(request: ScoredResponsesRequest, raw_request: Request) -> Response:
    """A response of the Responses API, with its self-reward."""
    serving = _offered(responses(raw_request), "Responses")
    rewards = ask_for_rewards(request)
    answer = await serving.create_responses(request, raw_request)
    if request.background and not isinstance(answer, ErrorResponse):
        tell_end(serving, request.request_id)
    return responses_answer(raw_request, answer, rewards)


@router.post("/v1/messages", responses=streamed(ScoredMessagesResponse, AnthropicErrorResponse))
@as_in_vllm
async def create_message(request: ScoredMessagesRequest, raw_request: Request) -> Response:
    """A message of Anthropic's Messages API, with its self-reward."""
    serving = _offered(messages(raw_request), "Messages")
    rewards = ask_for_rewards(request)
    answer = await serving.create_messages(request, raw_request)
    return message_answer(raw_request, answer, rewards)


def _offered(serving: Serving | None, api: str) -> Serving:
    """vLLM's serving object. Raises NotImplementedError, which vLLM answers with a 501, where the
    model does not have the API."""
    if serving is None:
        raise NotImplementedError(f"The model does not support {api} API")
    return serving


async def invoke(raw_request: Request) -> Response:
    """SageMaker's route: a chat completion where there are `messages`, else a text completion."""
    body = await raw_request.json()
    if "messages" in body:
        return await create_chat_completion(parsed(ScoredChatCompletionRequest, body), raw_request)
    return await create_completion(parsed(ScoredCompletionRequest, body), raw_request)
