"""What changes the server for everybody is for administrators, and each attempt is on record."""

import json
import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from laserve.api.middleware.auth import ADMIN_KEY_HEADER, caller_of
from laserve.api.middleware.paths import leads_below, path_of
from laserve.api.wire.errors import error_answer

logger = logging.getLogger(__name__)

CHECKPOINTS = "/v1/checkpoints"

ADMINISTRATIVE = frozenset(
    {
        CHECKPOINTS,
        # adapters
        *("/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/adapters"),
        # the requests of others
        *("/abort_requests", "/inference/v1/abort_requests"),
        # the engine and its weights
        *("/pause", "/resume", "/sleep", "/wake_up", "/release_kv_cache_memory"),
        *("/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"),
        *("/scale_elastic_ep", "/fault_tolerance/apply"),
        *("/init_weight_transfer_engine", "/shutdown_weight_transfer_engine"),
        *("/start_weight_update", "/start_draft_weight_update", "/finish_weight_update"),
        *("/update_weights", "/update_weight_version", "/weight_checker"),
        *("/collective_rpc", "/start_profile", "/stop_profile"),
    }
)
"""Routes, and what is below them, that change something by whatever is no GET. They are those of
`tests/routes.py`, where a new one of vLLM's has to be told from those that only answer."""

TELLING = frozenset({"/server_info"})
"""Routes whose GET tells how the server was started, with its folders and its environment."""

READING = ("GET", "HEAD", "OPTIONS")


class AdministrationMiddleware:
    """ASGI middleware: 403 for who may not administer, and a line in the log for each request to
    do so, with the id of its key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or not is_administrative(path_of(scope), scope["method"]):
            await self._app(scope, receive, send)
            return
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            app = self._app if caller_of(scope).administers else _refusal
            await app(scope, receive, noted)
        finally:
            _record(scope, status)


def is_administrative(path: str, method: str) -> bool:
    """Whether it takes an administrator."""
    if path in TELLING:
        return True
    return method not in READING and any(leads_below(path, route) for route in ADMINISTRATIVE)


async def _refusal(scope: Scope, receive: Receive, send: Send) -> None:
    answer = error_answer(
        HTTPStatus.FORBIDDEN, f"no valid admin key: send it as '{ADMIN_KEY_HEADER}: KEY'"
    )
    await answer(scope, receive, send)


def _record(scope: Scope, status: int) -> None:
    facts = {
        "key": caller_of(scope).id,
        "from": (scope.get("client") or [None])[0],
        "method": scope["method"],
        "path": path_of(scope),
        "status": status,
    }
    logger.info("audit: %s", json.dumps(facts, ensure_ascii=False))
