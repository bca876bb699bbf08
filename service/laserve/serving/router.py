"""The engine client that vLLM's serving objects see: it stands for the checkpoint that is active.

Each HTTP request is bound to the checkpoint that is active when it arrives, and stays with it to
its end. A switch sends the next request elsewhere; closing the gate holds the next ones up, so that
an engine falls silent and its weights can be replaced.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import Any

from vllm.engine.protocol import EngineClient
from vllm.outputs import RequestOutput
from vllm.sampling_params import SamplingParams

from laserve.core.types import SelfReward
from laserve.scoring.admission import check_admissible
from laserve.serving.deployment import Deployment, bound_deployment, bound_to


class Router:
    """Stands in for vLLM's `EngineClient`; what is not here is the active checkpoint's engine's."""

    def __init__(self, first: Deployment) -> None:
        self.active = first
        self.is_shut_down = False
        self._served = [first]
        self._gate = asyncio.Event()
        self._gate.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.active.selecting, name)

    @property
    def served(self) -> tuple[Deployment, ...]:
        """The active one and those that drain."""
        return tuple(self._served)

    def current(self) -> Deployment:
        """The checkpoint of the request in work; the active one outside of any."""
        bound = bound_deployment()
        return self.active if bound is None or bound.is_over else bound

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Bind what is done inside this block to the active checkpoint, once the gate is open."""
        await self._opened()
        with bound_to(self.active):
            yield

    @asynccontextmanager
    async def quiet(self, patience_s: float) -> AsyncIterator[None]:
        """Keep the gate closed inside this block, which begins when nothing is generated."""
        self._gate.clear()
        try:
            await self.active.drained(patience_s)
            yield
        finally:
            self._gate.set()

    async def _opened(self) -> None:
        while not self._gate.is_set():  # it may be closed again before a waiter gets its turn
            await self._gate.wait()

    def activate(self, deployment: Deployment) -> Deployment:
        """Serve this one from the next request on; returns the one before, to be drained."""
        previous, self.active = self.active, deployment
        self._served.append(deployment)
        return previous

    def uses(self, client: EngineClient) -> bool:
        """Whether one that is served, or drains, is in this engine."""
        return client in self._clients()

    @property
    def errored(self) -> bool:
        """As `EngineClient.errored`; an engine that died of a load is replaced behind the gate."""
        return self._gate.is_set() and self.active.client.errored

    def retire(self, deployment: Deployment) -> None:
        """Forget one that is not active any more."""
        deployment.end()
        self._served.remove(deployment)

    def generate(
        self, prompt: Any, sampling_params: SamplingParams, request_id: str, **options: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        """As `EngineClient.generate`, by the checkpoint that the request is bound to."""
        identifiers = (request_id, options.get("priority"), options.get("session_id"))
        check_admissible(self.active.client.vllm_config, sampling_params, identifiers)
        # What is asked for is in the caller's context; a stream is read in another one.
        context = copy_context()

        def ask(deployment: Deployment) -> AsyncGenerator[RequestOutput, None]:
            asked = partial(deployment.selecting.generate, prompt, sampling_params, request_id)
            return context.run(asked, **_with_adapter(deployment, options))

        return self._generated(bound_deployment(), ask)

    async def score(
        self, prompt: Any, completion_token_ids: list[int], request_id: str, **options: Any
    ) -> SelfReward:
        """As `ScoredEngine.score`, by the checkpoint that the request is bound to."""
        deployment = self.current()
        with deployment.generations.one_more(), deployment.awaited.one_more():
            return await deployment.scored.score(
                prompt, completion_token_ids, request_id, **_with_adapter(deployment, options)
            )

    async def abort(self, request_id: str | Iterable[str]) -> None:
        """As `EngineClient.abort`, wherever the request is."""
        ids = [request_id] if isinstance(request_id, str) else list(request_id)
        for client in self._clients():
            await client.abort(ids)

    def shutdown(self, timeout: float | None = None) -> None:
        """As `EngineClient.shutdown`, of every engine."""
        self.is_shut_down = True
        for client in self._clients():
            client.shutdown(timeout=timeout)

    def _clients(self) -> list[EngineClient]:
        return list({id(d.client): d.client for d in self._served}.values())

    async def _generated(
        self,
        bound: Deployment | None,
        ask: Callable[[Deployment], AsyncGenerator[RequestOutput, None]],
    ) -> AsyncGenerator[RequestOutput, None]:
        if bound is None or bound.is_over:
            # Of no HTTP request, or of one that was answered long ago, a background response, or
            # of one that was sent too slowly to be waited for.
            await self._opened()
            bound = self.active
        with bound.generations.one_more():
            async with aclosing(ask(bound)) as outputs:
                while True:
                    bound.awaited.enter()
                    try:
                        output = await anext(outputs, None)
                    finally:
                        bound.awaited.leave()
                    if output is None:
                        return
                    yield output


def _with_adapter(deployment: Deployment, options: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint's adapter, where the request asks for none by name."""
    if deployment.adapter is None or options.get("lora_request") is not None:
        return options
    return {**options, "lora_request": deployment.adapter}
