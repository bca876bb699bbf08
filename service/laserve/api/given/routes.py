"""The routes that score text which was written elsewhere.

The prompt is rendered as for a generation (`given_prompt`), the completions become token ids
(`given_tokens`), and each is one request to the engine; they share the prompt in its prefix cache.
"""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.api_utils import validate_json_request

from laserve.api.given.prompt import GivenPrompt, chat_prompt, completion_prompt
from laserve.api.given.schemas import (
    PromptForm,
    RerankRequest,
    RerankResponse,
    RerankResult,
    RerankUsage,
    SelfRewardItem,
    SelfRewardRequest,
    SelfRewardResponse,
    SelfRewardUsage,
)
from laserve.api.wire.errors import as_answer
from laserve.api.wire.headers import reward_headers
from laserve.api.wire.routing import as_in_vllm, documented
from laserve.core.types import SelfReward
from laserve.serving.scope import bound_scope

AT_ONCE = 128
"""Completions of one request that are in the engine at a time: each has a copy of the prompt, and
other requests get in between."""

router = APIRouter(dependencies=[Depends(validate_json_request)])


@router.post("/v1/self_reward", responses=documented(SelfRewardResponse, ErrorResponse))
@as_in_vllm
async def create_self_reward(request: SelfRewardRequest, raw_request: Request) -> Response:
    """The self-reward of each completion."""
    request.refuse_unfit()
    at_once = min(request.sequences, AT_ONCE)
    if request.messages is not None:
        prompt = await chat_prompt(request, request.messages, at_once, raw_request)
    else:
        prompt = await completion_prompt(request, at_once, raw_request)
    if isinstance(prompt, ErrorResponse):
        return as_answer(prompt)
    if request.completion is not None:
        tokens = await prompt.tokens_of("completion").of_texts(request.completion)
    else:
        given = request.completion_token_ids or []
        tokens = prompt.tokens_of("completion_token_ids").of_token_ids(given)
    request_id = f"reward-{prompt.base_id}"
    rewards = await _score(prompt, tokens, request_id)
    total = prompt.tokens_read(tokens)
    answer = SelfRewardResponse(
        id=request_id,
        model=prompt.model,
        data=[SelfRewardItem(index=i, self_reward=reward) for i, reward in enumerate(rewards)],
        prompt_form=request.prompt_form,
        warning=_warning(request, prompt, raw_request),
        usage=SelfRewardUsage(prompt_tokens=total, total_tokens=total),
    )
    headers = reward_headers(raw_request, rewards[0])
    return JSONResponse(answer.model_dump(mode="json"), headers=headers)


@router.post("/rerank", responses=documented(RerankResponse, ErrorResponse))
@router.post("/v2/rerank", responses=documented(RerankResponse, ErrorResponse))
@router.post("/v1/rerank", responses=documented(RerankResponse, ErrorResponse))
@as_in_vllm
async def create_rerank(request: RerankRequest, raw_request: Request) -> Response:
    """The documents as answers to the query, best first by their self-reward."""
    request.refuse_unfit()
    at_once = min(len(request.documents), AT_ONCE)
    prompt = await chat_prompt(request, request.conversation(), at_once, raw_request)
    if isinstance(prompt, ErrorResponse):
        return as_answer(prompt)
    texts = [document.text for document in request.documents]
    tokens = await prompt.tokens_of("documents").of_texts(texts)
    request_id = f"rerank-{prompt.base_id}"
    results = [
        RerankResult(
            index=index,
            relevance_score=reward.score,
            document=request.documents[index] if request.return_documents else None,
            self_reward=reward,
        )
        for index, reward in enumerate(await _score(prompt, tokens, request_id))
    ]
    results.sort(key=_best_first)
    answer = RerankResponse(
        id=request_id,
        model=prompt.model,
        usage=RerankUsage(total_tokens=prompt.tokens_read(tokens)),
        results=results[: request.top_n],
    )
    headers = reward_headers(raw_request, results[0].self_reward)
    return JSONResponse(answer.model_dump(mode="json"), headers=headers)


def _warning(request: SelfRewardRequest, prompt: GivenPrompt, raw_request: Request) -> str | None:
    """What a prompt of raw text may have been meant as."""
    template = raw_request.app.state.args.chat_template or prompt.chat_template
    if request.prompt_form != PromptForm.RAW_TEXT or not template:
        return None
    return (
        "prompt was taken as raw text, without the chat template that this model has. Send a "
        "question as messages, and the answers are scored as those of a conversation"
    )


def _best_first(result: RerankResult) -> tuple[bool, float, int]:
    score = result.relevance_score
    return score is None, -(score or 0.0), result.index


async def _score(
    prompt: GivenPrompt, completions: Sequence[list[int]], request_id: str
) -> list[SelfReward]:
    """One reward for each. The first error ends them all."""
    if (meter := bound_scope().meter) is not None:
        meter.tokens += prompt.tokens_read(completions)
    gate = asyncio.Semaphore(AT_ONCE)

    async def score(index: int, tokens: list[int]) -> SelfReward:
        async with gate:
            return await prompt.deployment.score(
                prompt.engine_input, tokens, f"{request_id}-{index}", **prompt.options
            )

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(score(index, tokens)) for index, tokens in enumerate(completions)
            ]
    except BaseExceptionGroup as errors:
        # The error handlers know what happened, not that it happened in a group.
        first = errors.exceptions[0]
        raise first from first.__cause__
    return [task.result() for task in tasks]
