"""Abstained requests, forwarded to the server's upstream. Where the upstream fails, this server's
own answer stands, and says so."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import Request
from vllm.entrypoints.serve.exception_handling.error_response import create_error_response

from laserve.api.generating.selecting import Choosing
from laserve.api.state import LaServeState
from laserve.api.upstream import Upstream, UpstreamError

DONE = "data: [DONE]\n\n"


async def escalated(
    raw_request: Request, choosing: Choosing, own: dict[str, Any]
) -> dict[str, Any]:
    """The upstream's completion in the place of `own`, where it is to be escalated.

    The usage stays this server's: what the upstream computed stands in the selection.
    """
    if not choosing.is_to_be_escalated:
        return own
    try:
        theirs = await _upstream(raw_request).complete(*await _asked(raw_request))
    except UpstreamError as error:
        choosing.report_upstream(error.status, message=str(error))
        return own
    choosing.report_upstream("answered", usage=theirs.get("usage"))
    return {**theirs, "usage": own["usage"]}


async def escalated_events(
    raw_request: Request, choosing: Choosing, own: AsyncGenerator[str, None]
) -> AsyncGenerator[str, None]:
    """The same for a stream of server-sent events."""
    held = []
    async with aclosing(own):
        async for event in own:
            if choosing.is_to_be_escalated:
                held.append(event)
            else:
                yield event
    if not held:
        return
    usage = [event for event in held if _is_usage(event)]
    theirs = _forwarded(_upstream(raw_request), *await _asked(raw_request))
    has_begun = False
    try:
        async for event in theirs:
            if not has_begun:
                choosing.report_upstream("answered")
                has_begun = True
            yield event
    except UpstreamError as error:
        if not has_begun:
            choosing.report_upstream(error.status, message=str(error))
            for event in held:
                yield event
            return
        broken = create_error_response(str(error), "BadGatewayError")
        yield f"data: {broken.model_dump_json()}\n\n"
    for event in usage:
        yield event
    yield DONE


async def _forwarded(upstream: Upstream, path: str, body: dict[str, Any]) -> AsyncIterator[str]:
    """The upstream's events without its usage."""
    async for data in upstream.stream(path, body):
        try:
            chunk = json.loads(data)
        except ValueError as error:
            raise UpstreamError(f"the upstream sent a chunk that is no JSON: {error}") from error
        if not isinstance(chunk, dict) or "error" in chunk:
            raise UpstreamError(f"the upstream failed: {data}")
        usage = chunk.pop("usage", None)
        if chunk.get("choices") or usage is None:
            yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


async def _asked(raw_request: Request) -> tuple[str, dict[str, Any]]:
    """The path at the upstream, which has no /invocations, and the body."""
    body: dict[str, Any] = await raw_request.json()
    return "/v1/chat/completions" if "messages" in body else "/v1/completions", body


def _is_usage(event: str) -> bool:
    return '"choices":[]' in event


def _upstream(raw_request: Request) -> Upstream:
    state: LaServeState = raw_request.app.state.laserve
    assert state.selection.upstream is not None
    return state.selection.upstream
