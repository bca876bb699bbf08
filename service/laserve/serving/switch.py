"""The engine client that vLLM's serving objects see: it stands for the checkpoint that is active.

Each HTTP request is bound to the checkpoint that is active when all of it has arrived, and stays
with it to its end (`scope`). A switch sends the next request elsewhere; closing the gate holds the
next ones up, so that an engine falls silent and its weights can be replaced.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Unpack

from vllm.engine.protocol import EngineClient
from vllm.outputs import RequestOutput
from vllm.sampling_params import SamplingParams
from vllm.v1.engine.exceptions import EngineDeadError

from laserve.errors import CheckpointRejected
from laserve.scoring.admission import check_admissible
from laserve.scoring.engine import Options, Prompt
from laserve.scoring.score_token import check_not_steered, check_scorable_prompt
from laserve.scoring.under_way import Count
from laserve.selecting.sampling import check_sampled_alike
from laserve.selecting.select import sample_params
from laserve.serving.deployment import Deployment
from laserve.serving.generation import generation
from laserve.serving.late import LateGenerator
from laserve.serving.readiness import (
    LOAD_PATIENCE_S,
    Cause,
    EndedError,
    Readiness,
    Withdrawn,
)
from laserve.serving.scope import RequestScope, current_scope, request_scope
from laserve.vllm_seam.engine import fail_requests

ERROR_S = 1.0
"""How long the errors of what is ended may take to be written."""

_Limits = dict[asyncio.Timeout, Cause | None]
"""By which each of some requests can be ended, and why it is."""


@asynccontextmanager
async def _endable(limits: _Limits) -> AsyncIterator[None]:
    """Raise Withdrawn where what is in this block is ended by its limit."""
    try:
        async with asyncio.timeout(None) as limit:
            limits[limit] = None
            yield
    except TimeoutError as error:
        cause = limits[limit]
        if cause is None:
            raise
        raise Withdrawn.because(cause) from error
    finally:
        del limits[limit]


class Switch:
    """Stands in for vLLM's `EngineClient`; what is not here is the active checkpoint's engine's."""

    def __init__(self, first: Deployment, load_patience_s: float = LOAD_PATIENCE_S) -> None:
        """``load_patience_s``: nobody waits longer for a load in place."""
        self.active = first
        self.load_patience_s = load_patience_s
        self.is_shut_down = False
        self.readiness = Readiness()
        self.changing = asyncio.Lock()
        """Held by what changes the active one, from before it begins."""
        self._served = [first]
        self._arriving = Count()
        self._arriving_limits: _Limits = {}
        self._admitted_limits: _Limits = {}
        self._gate = asyncio.Event()
        self._gate.set()

    def __getattr__(self, name: str) -> object:
        return getattr(self.active.client, name)

    @property
    def served(self) -> tuple[Deployment, ...]:
        """The active one and those that drain."""
        return tuple(self._served)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[RequestScope]:
        """A request, bound to what is active once the gate is open. Raises Withdrawn where none is
        taken, where the gate stays closed for too long, or where this one has not ended when it had
        to."""
        await self._opened()
        async with _endable(self._admitted_limits):
            with request_scope(self.active, lambda: self.active) as scope:
                yield scope

    @asynccontextmanager
    async def arriving(self) -> AsyncIterator[None]:
        """A request in this block is still being sent: no load waits for it, a stop does. Raises
        Withdrawn where none is taken, or where this one has not ended when it had to."""
        self.readiness.check_open()
        async with _endable(self._arriving_limits):
            with self._arriving.one_more():
                yield

    @asynccontextmanager
    async def quiet(self, *, force: bool) -> AsyncIterator[None]:
        """Keep the gate closed inside this block, which begins when nothing is generated.

        Raises CheckpointRejected where something still is after `load_patience_s` seconds; with
        ``force`` that is ended with an error instead.
        """
        self._gate.clear()
        try:
            if not await self.active.drained(self.load_patience_s, self.load_patience_s):
                if not force:
                    raise CheckpointRejected(
                        f"{self.active.requests.value} requests had not ended after "
                        f"{self.load_patience_s:g} s (--load-patience): ask again, with `force` to "
                        "end them with an error, or side by side"
                    )
                await self.end(Cause.LOADING, arriving=False)
            yield
        finally:
            self._gate.set()

    async def _opened(self) -> None:
        try:
            async with asyncio.timeout(self.load_patience_s):
                while not self._gate.is_set():  # it may be closed again before a waiter's turn
                    await self._gate.wait()
        except TimeoutError as error:
            if not self._gate.is_set():  # a load that gave up opens it at the same moment
                raise Withdrawn.because(Cause.LOADING) from error
        self.readiness.check_open()

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
        """As `EngineClient.errored`, for which vLLM ends its server: never, as an engine that died
        is replaced, or LaServe ends the server."""
        return False

    @property
    def is_held(self) -> bool:
        """Whether requests are held up, while the engine is loaded into."""
        return not self._gate.is_set()

    @property
    def has_lost_engine(self) -> bool:
        """Whether the active engine has died; one that dies of a load is replaced behind the
        gate."""
        return not self.is_held and self.active.client.errored

    def retire(self, deployment: Deployment) -> None:
        """Forget one that is not active any more."""
        deployment.end()
        self._served.remove(deployment)

    def generate(
        self,
        prompt: Prompt,
        sampling_params: SamplingParams,
        request_id: str,
        **options: Unpack[Options],
    ) -> AsyncGenerator[RequestOutput, None]:
        """As `EngineClient.generate`, by the checkpoint that the request is bound to and with what
        its scope asks for. Raises VLLMValidationError where the engine cannot take it."""
        scope = current_scope()
        asked = sampling_params
        if scope is not None and scope.plan is not None:
            wanted = scope.plan.options
            if scope.plan.sampling is not None:
                check_sampled_alike(asked, scope.plan.sampling)
            asked = sample_params(asked, wanted, wanted.n_max - 1)
        identifiers = (request_id, options.get("priority"), options.get("session_id"))
        client, z_c = self.active.client, self.active.parameters.z_c  # as of all that is served
        check_admissible(client.vllm_config, asked, identifiers)
        check_not_steered(asked, z_c, client.renderer)
        if scope is not None and scope.rewards is not None:
            check_scorable_prompt(prompt, z_c, client.renderer)

        async def begin() -> AsyncGenerator[RequestOutput, None]:
            deployment = await self._deployment(scope)
            return generation(deployment, scope, prompt, sampling_params, request_id, options)

        return LateGenerator(begin)

    async def abort(self, request_id: str | Iterable[str]) -> None:
        """As `EngineClient.abort`, wherever the request is."""
        ids = [request_id] if isinstance(request_id, str) else list(request_id)
        for client in self._clients():
            await client.abort(ids)

    async def check_health(self) -> None:
        """As `EngineClient.check_health`. Raises EngineDeadError where the server is not ready."""
        if self.readiness.reasons:
            raise EngineDeadError
        await self.active.client.check_health()

    async def is_idle(self, within_s: float, *, arriving: bool) -> bool:
        """Whether no request and no generation is under way any more; returns as soon as so. With
        ``arriving`` what is still being sent counts, too."""
        others = [self._arriving] if arriving else []
        try:
            async with asyncio.timeout(within_s):
                while busy := [n for n in (*others, *self._counts()) if n.value]:
                    await busy[0].none.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, cause: Cause, *, arriving: bool) -> None:
        """End what is under way with Withdrawn: each generation, then each request that has not
        ended by that, whatever it waits for; with ``arriving`` what is still being sent, too."""
        for client in self._clients():
            fail_requests(client, EndedError(cause))
        if await self.is_idle(ERROR_S, arriving=arriving):
            return
        now = asyncio.get_running_loop().time()
        for limits in [self._admitted_limits, *([self._arriving_limits] if arriving else [])]:
            for limit in limits:
                limits[limit] = cause
                limit.reschedule(now)
        await self.is_idle(ERROR_S, arriving=arriving)

    def shutdown(self, timeout: float | None = None) -> None:
        """As `EngineClient.shutdown`, of every engine."""
        self.is_shut_down = True
        for client in self._clients():
            client.shutdown(timeout=timeout)

    def _counts(self) -> Iterator[Count]:
        for deployment in self._served:
            yield from deployment.counts

    def _clients(self) -> list[EngineClient]:
        return list({id(d.client): d.client for d in self._served}.values())

    async def _deployment(self, scope: RequestScope | None) -> Deployment:
        """The one that a generation which begins now is for."""
        if scope is not None and not scope.bound.is_over:
            return scope.bound
        # Of no HTTP request, or of one that was answered long ago, a background response, or of
        # one that began too late to be waited for.
        await self._opened()
        return self.active
