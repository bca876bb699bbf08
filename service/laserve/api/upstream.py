"""The server's upstream: another OpenAI-compatible server, for what this one's model abstains
from."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from laserve.errors import LaServeError

API_KEY_VARIABLE = "LASERVE_UPSTREAM_API_KEY"

_OURS = ("selection", "self_reward")
"""Fields of a request that the upstream does not know."""

_SHOWN_CHARS = 500


class UpstreamError(LaServeError):
    """The upstream did not answer. Attribute `status`: `timeout` or `error`."""

    def __init__(self, message: str, status: str = "error") -> None:
        super().__init__(message)
        self.status = status


class Upstream:
    """Forwards requests. `url` ends like OpenAI's base URL, in /v1; `timeout_s` is for the answer,
    or for each silence between two chunks of a stream."""

    def __init__(self, url: str, model: str, api_key: str | None, timeout_s: float) -> None:
        self.model = model
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"), headers=headers, timeout=timeout_s
        )

    async def complete(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The upstream's JSON answer. `path` is this server's, `/v1/...`; raises UpstreamError."""
        async with self._response(path, body) as response:
            try:
                answer = json.loads(await response.aread())
            except ValueError as error:
                raise UpstreamError(f"the upstream's answer is no JSON: {error}") from error
        if not isinstance(answer, dict) or not answer.get("choices"):
            raise UpstreamError("the upstream's answer has no choices")
        return answer

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncIterator[str]:
        """The data of the upstream's server-sent events, one at a time, without the `[DONE]` at
        their end; raises UpstreamError, also where that is missing."""
        async with self._response(path, body) as response:
            async for event in EventSource(response).aiter_sse():
                if event.data == "[DONE]":
                    return
                yield event.data
        raise UpstreamError("the upstream's stream broke off")

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _response(self, path: str, body: dict[str, Any]) -> AsyncIterator[httpx.Response]:
        asked = {name: value for name, value in body.items() if name not in _OURS}
        asked["model"] = self.model
        try:
            async with self._client.stream(
                "POST", path.removeprefix("/v1"), json=asked
            ) as response:
                if response.is_error:
                    text = (await response.aread()).decode(errors="replace")[:_SHOWN_CHARS]
                    raise UpstreamError(f"the upstream answered {response.status_code}: {text}")
                yield response
        except httpx.TimeoutException as error:
            raise UpstreamError(
                f"the upstream took too long ({type(error).__name__})", "timeout"
            ) from error
        except SSEError as error:
            raise UpstreamError(f"the upstream does not stream: {error}") from error
        except httpx.HTTPError as error:
            raise UpstreamError(
                f"the upstream cannot be reached: {str(error) or type(error).__name__}"
            ) from error
