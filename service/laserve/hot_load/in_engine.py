"""A checkpoint in an engine, in one that runs or in a new one, which has so long to be proven."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from vllm.engine.protocol import EngineClient
from vllm.v1.engine.exceptions import EngineDeadError

from laserve.core.score import ScoreParameters
from laserve.errors import CheckpointRejected
from laserve.hot_load.engine_calls import add_adapter, rejecting, remove_adapter
from laserve.hot_load.engines import Engines
from laserve.scoring.warm_up import warm_up
from laserve.serving.deployment import Deployment, Source


@asynccontextmanager
async def new_engine(
    engines: Engines, weights: Path, parameters: ScoreParameters
) -> AsyncIterator[EngineClient]:
    """An engine of its own for these weights, warm, to be proven in the block: it is stopped where
    that fails. Raises CheckpointRejected, also where it takes longer than `engines.limit_s`."""
    client = None
    try:
        async with asyncio.timeout(engines.limit_s):
            client = await engines.start(weights)
            with rejecting("its engine fails"):
                await warm_up(client, parameters)
            yield client
    except BaseException as error:
        if client is not None:
            await engines.stop(client)
        if isinstance(error, TimeoutError):
            raise CheckpointRejected(
                f"its engine was not started and proven after {engines.limit_s:g} s "
                "(--engine-timeout-s): ended"
            ) from error
        raise


@asynccontextmanager
async def within_limit(engines: Engines, client: EngineClient) -> AsyncIterator[None]:
    """A block in which an engine reads and proves other weights, while nothing else is asked of it.

    One that is not done after `engines.limit_s` is killed, and who waits for it told that it died:
    stopped, it would answer nothing that could end the wait. Raises CheckpointRejected.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + engines.limit_s
    killing = asyncio.create_task(_kill_later(engines, client))
    try:
        yield
    except CheckpointRejected as error:
        # Its death may be told of before `kill` has seen the last of its processes gone.
        if clock() >= deadline:
            raise CheckpointRejected(
                f"the engine had not loaded and proven it after {engines.limit_s:g} s "
                "(--engine-timeout-s): ended"
            ) from error
        raise
    finally:
        killing.cancel()


async def _kill_later(engines: Engines, client: EngineClient) -> None:
    await asyncio.sleep(engines.limit_s)
    await engines.kill(client)


@asynccontextmanager
async def in_engine(
    client: EngineClient, source: Source, previous: Deployment
) -> AsyncIterator[Deployment]:
    """The deployment after ``previous``, of weights that are in this engine and of an adapter that
    is added, and left out again where the block rejects it. Raises CheckpointRejected."""
    version = previous.version + 1
    adapter = None
    if source.adapter is not None:
        adapter = await add_adapter(client, source.adapter, version)
    parameters = source.checkpoint.manifest.parameters()
    try:
        yield Deployment(version, client, parameters, previous.observer, source, adapter)
    except EngineDeadError as error:
        raise CheckpointRejected(
            "its engine died while it was loaded; the server's log has the engine's own words"
        ) from error
    except CheckpointRejected:
        if adapter is not None:
            await remove_adapter(client, adapter)
        raise


@asynccontextmanager
async def in_new_engine(
    engines: Engines, source: Source, previous: Deployment
) -> AsyncIterator[Deployment]:
    """The same in a `new_engine`."""
    parameters = source.weights.manifest.parameters()
    async with (
        new_engine(engines, source.weights.path, parameters) as client,
        in_engine(client, source, previous) as deployment,
    ):
        yield deployment
