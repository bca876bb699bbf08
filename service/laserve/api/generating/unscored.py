"""Routes of vLLM's that generate and give no score: what asks them for one is refused."""

from collections.abc import Mapping
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute

from laserve.api.wire.fields import refuse_scores

UNSCORED = frozenset(
    {
        "/generative_scoring",
        "/v1/systemone",
        "/v1/decisions",
        "/inference/v1/generate",
        "/cohere/v2/chat",
        "/v1/audio/transcriptions",
        "/v1/audio/translations",
    }
)
"""Why each is not scored: docs/api.md. /v1/realtime, a websocket, has no body to ask in."""

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def refuse_where_unscored(app: FastAPI) -> None:
    """Register those that `app` has again, with the refusal; the later one counts."""
    for route in list(app.routes):
        if isinstance(route, APIRoute) and route.path in UNSCORED:
            app.router.add_api_route(
                route.path,
                route.endpoint,
                methods=sorted(route.methods),
                response_model=route.response_model,
                responses=route.responses,
                dependencies=[*route.dependencies, Depends(_refuse_scores)],
                include_in_schema=route.include_in_schema,
            )


async def _refuse_scores(raw_request: Request) -> None:
    refuse_scores(await _fields(raw_request))


async def _fields(raw_request: Request) -> Mapping[str, Any]:
    """What the route reads; by now it has been read."""
    if raw_request.headers.get("content-type", "").startswith(FORMS):
        return await raw_request.form()
    body = await raw_request.json() if await raw_request.body() else None
    return body if isinstance(body, dict) else {}
