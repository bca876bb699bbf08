"""Takes up a checkpoint while another one serves, and never serves weights that it has not proven.

side by side   a second engine loads and proves it; then the switch; the first one drains and
               ends. Nothing waits, and the memory holds both for a while.
in place       new requests wait, the running ones end; the engine reads the new weights and
               proves them. Where that fails the old ones are put back, and proven.
adapter        a LoRA adapter is added to the engine and proven, then the switch; in the same
               way one is left out again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from vllm.engine.protocol import EngineClient
from vllm.lora.request import LoRARequest
from vllm.v1.engine.exceptions import EngineDeadError

from laserve.checkpoint.staging import StagedCheckpoint
from laserve.errors import CheckpointRejected, ConfigurationError
from laserve.hot_load.engines import Engines
from laserve.hot_load.proof import prove
from laserve.scoring.scored_engine import ScoreObserver
from laserve.scoring.warm_up import warm_up
from laserve.serving.deployment import Deployment, Source
from laserve.serving.switch import Switch
from laserve.worker.reload import check_reloadable

logger = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long a request may neither wait for the engine nor end before a switch goes on without it:
its client does not read what was generated long ago."""

FIRST_ADAPTER_ID = 1 << 20
"""Above the ids that vLLM gives to the adapters that it was started with or told of."""

_ALIVE_S = 0.5
"""How often an engine that is to answer is looked after."""

Answer = TypeVar("Answer")

Drain = Callable[[], Awaitable[None]]
"""Ends what was served before, when its last request has ended."""


class Strategy(StrEnum):
    """How a checkpoint's weights get into an engine."""

    AUTO = "auto"
    """Side by side where the free memory holds a second engine, else in place."""
    SIDE_BY_SIDE = "side_by_side"
    IN_PLACE = "in_place"


class HotLoader:
    """Changes what a switch serves; one load at a time."""

    def __init__(self, switch: Switch, engines: Engines, observer: ScoreObserver) -> None:
        self._switch = switch
        self._engines = engines
        self._observer = observer

    async def load(
        self, source: Source, strategy: Strategy, on_proving: Callable[[], None]
    ) -> Drain:
        """Make `source` the active deployment; await what is returned before the next load.

        `on_proving` is called when the weights are in. Raises CheckpointRejected, with what was
        active before still active.
        """
        active = self._switch.active
        assert active.source is not None
        if source.weights is active.source.weights:
            return await self._in_same_engine(source, on_proving)
        if strategy == Strategy.AUTO:
            fits = self._engines.fits_beside(source.weights.path)
            strategy = Strategy.SIDE_BY_SIDE if fits else Strategy.IN_PLACE
        logger.info("loading %s %s", source.checkpoint.name, strategy.value)
        if strategy == Strategy.SIDE_BY_SIDE:
            return await self._side_by_side(source, on_proving)
        return await self._in_place(source, on_proving)

    async def _side_by_side(self, source: Source, on_proving: Callable[[], None]) -> Drain:
        client = await self._engines.start(source.weights.path)
        try:
            with _rejecting("its engine fails"):
                await warm_up(client, source.weights.manifest.parameters())
            deployment = await self._proven(client, source, on_proving)
        except BaseException:
            await self._engines.stop(client)
            raise
        return partial(self._end, self._switch.activate(deployment))

    async def _in_place(self, source: Source, on_proving: Callable[[], None]) -> Drain:
        try:
            check_reloadable(self._switch.active.client.vllm_config)
        except ConfigurationError as error:
            raise CheckpointRejected(str(error)) from error
        async with self._switch.quiet(PATIENCE_S):
            active = self._switch.active
            active.end()
            try:
                await _reload(active.client, source.weights.path)
                deployment = await self._proven(active.client, source, on_proving)
            except asyncio.CancelledError:
                raise  # the server ends, and the engine with it
            except BaseException:
                if not self._switch.is_shut_down:
                    await self._put_back(active)
                raise
            previous = self._switch.activate(deployment)
        return partial(self._end, previous)

    async def _in_same_engine(self, source: Source, on_proving: Callable[[], None]) -> Drain:
        deployment = await self._proven(self._switch.active.client, source, on_proving)
        return partial(self._end, self._switch.activate(deployment))

    async def _proven(
        self, client: EngineClient, source: Source, on_proving: Callable[[], None]
    ) -> Deployment:
        """The deployment of weights that are in the engine, and of an adapter that is added now."""
        manifest = source.checkpoint.manifest
        parameters = manifest.parameters()
        version = self._switch.active.version + 1
        adapter = None
        try:
            if source.adapter is not None:
                adapter = await _add_adapter(client, source.adapter, version)
            on_proving()
            await prove(client, parameters, manifest, adapter)
        except EngineDeadError as error:
            raise CheckpointRejected(
                "its engine died while it was loaded; the server's log has the engine's own words"
            ) from error
        except CheckpointRejected:
            if adapter is not None:
                await _remove_adapter(client, adapter)
            raise
        return Deployment(version, client, parameters, self._observer, source, adapter)

    async def _put_back(self, active: Deployment) -> None:
        """Restore the weights of the active deployment, in its engine or in a new one.

        Where neither works nothing is left that may answer: the engine is stopped, and the server
        ends.
        """
        assert active.source is not None
        try:
            if await _restored(active, active.source):
                active.resume()
                return
            drain = await self._side_by_side(active.source, on_proving=lambda: None)
        except Exception:
            logger.critical("%s cannot be put back: stopping", active.parameters.checkpoint)
            await self._engines.stop(active.client)
            raise
        await drain()

    async def _end(self, previous: Deployment) -> None:
        """Wait for the last request of a deployment, and free what it alone used."""
        await previous.drained(PATIENCE_S)
        self._switch.retire(previous)
        if not self._switch.uses(previous.client):
            await self._engines.stop(previous.client)
        elif previous.adapter is not None:
            await _remove_adapter(previous.client, previous.adapter)
        logger.info("%s has ended", previous.parameters.checkpoint)


async def _add_adapter(
    client: EngineClient, adapter: StagedCheckpoint, version: int
) -> LoRARequest:
    # A name and a path of its own: vLLM's prefix cache tells adapters apart by these.
    request = LoRARequest(
        lora_name=f"{adapter.name}@{version}",
        lora_int_id=FIRST_ADAPTER_ID + version,
        lora_path=str(adapter.path),
    )
    with _rejecting(f"the engine does not take the adapter {adapter.name}"):
        await _answer(client, client.add_lora(request))
    return request


async def _remove_adapter(client: EngineClient, adapter: LoRARequest) -> None:
    engine: Any = client  # `AsyncLLM` has it, the abstract client has not
    await _answer(client, engine.remove_lora(adapter.lora_int_id))


async def _restored(deployment: Deployment, source: Source) -> bool:
    """Put its weights back into its engine; returns whether that worked."""
    client, adapter = deployment.client, deployment.adapter
    try:
        await _reload(client, source.weights.path)
        if adapter is not None:
            with _rejecting("the engine does not take its adapter again"):
                await _answer(client, client.add_lora(adapter))
        await prove(client, deployment.parameters, source.checkpoint.manifest, adapter)
    except (CheckpointRejected, EngineDeadError):
        logger.exception(
            "%s cannot be put back in place: starting an engine", deployment.parameters.checkpoint
        )
        return False
    return True


async def _reload(client: EngineClient, weights: Path) -> None:
    with _rejecting("the engine cannot reload its weights"):
        # Waits for what the engine still computes, and clears its caches.
        await _answer(client, client.pause_generation(mode="wait", clear_cache=True))
        try:
            reload = client.collective_rpc("reload_checkpoint", args=(str(weights),))
            await _answer(client, reload)
            if not await _answer(client, client.reset_prefix_cache()):
                raise CheckpointRejected("the engine kept what the weights before had computed")
        finally:
            await _answer(client, client.resume_generation())


async def _answer(client: EngineClient, call: Awaitable[Answer]) -> Answer:
    """What a call of the engine answers. vLLM leaves it without an answer where the engine dies
    of it: raises EngineDeadError then."""
    task = asyncio.ensure_future(call)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_ALIVE_S)
            if client.errored and not task.done():
                raise EngineDeadError
        return task.result()
    finally:
        task.cancel()


@contextmanager
def _rejecting(problem: str) -> Iterator[None]:
    """Turn what an engine answers to a call that fails in a worker, which vLLM raises as a plain
    Exception with the worker's message, into a CheckpointRejected."""
    try:
        yield
    except EngineDeadError as error:
        raise CheckpointRejected(f"{problem}: it died of it") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise CheckpointRejected(f"{problem}: {error}") from error
