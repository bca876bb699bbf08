"""How a checkpoint gets into an engine while another one serves, and how that one leaves.

side by side   a second engine loads and proves it; then the switch; the first one drains and
               ends. Nothing waits, and the memory holds both for a while. One that is not proven
               in `--engine-timeout-s` is ended.
in place       new requests wait, the running ones end; the engine reads the new weights and
               proves them. Where that fails the old ones are put back, and proven. Nobody waits
               longer than `--load-patience`: a load that would need more gives up, unless it is
               told to end what runs (`force`). An engine that has not done so in
               `--engine-timeout-s` is ended, and the old weights get a new one.
adapter        a LoRA adapter is added to the engine and proven, then the switch; in the same
               way one is left out again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from vllm.v1.engine.exceptions import EngineDeadError

from laserve.checkpoint.page_cache import read_ahead
from laserve.errors import CheckpointRejected, ConfigurationError
from laserve.hot_load.engine_calls import add_adapter_again, reload_weights, remove_adapter
from laserve.hot_load.engines import Engines
from laserve.hot_load.in_engine import in_engine, in_new_engine, within_limit
from laserve.hot_load.jobs import Strategy
from laserve.hot_load.proof import Prover
from laserve.serving.deployment import Deployment, Source
from laserve.serving.switch import Switch
from laserve.worker.reload import check_reloadable

logger = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long a request may neither wait for the engine nor end before an engine is ended without
regard to it: its client does not read what was generated long ago."""


class Strategies:
    """Puts checkpoints into the engines that a switch serves from, one at a time."""

    def __init__(self, switch: Switch, engines: Engines, prover: Prover) -> None:
        self._switch = switch
        self._engines = engines
        self._prover = prover

    def loaded(
        self, source: Source, strategy: Strategy, *, force: bool
    ) -> AbstractAsyncContextManager[Deployment]:
        """`source` in an engine, to be proven and made active in the block. ``force``: in place,
        end with an error what still runs at the end of the patience.

        Where the block fails, what was active before is served on as if nothing had been. Raises
        CheckpointRejected.
        """
        active = self._switch.active
        if active.source is not None and source.weights is active.source.weights:
            return in_engine(active.client, source, active)
        if strategy == Strategy.AUTO:
            fits = self._engines.fits_beside(source.weights.path)
            strategy = Strategy.SIDE_BY_SIDE if fits else Strategy.IN_PLACE
        what, folder = source.checkpoint, source.checkpoint.source
        logger.info(
            "loading %s %s (%s, weights %s)", what.name, strategy.value, folder, source.weights_hash
        )
        if strategy == Strategy.SIDE_BY_SIDE:
            return in_new_engine(self._engines, source, active)
        return self._in_place(source, force=force)

    async def end(self, previous: Deployment) -> None:
        """Wait for the last request of one that is not active any more, and free what it alone
        used."""
        await previous.drained(PATIENCE_S)
        self._switch.retire(previous)
        if not self._switch.uses(previous.client):
            await self._engines.stop(previous.client)
        elif previous.adapter is not None:
            await remove_adapter(previous.client, previous.adapter)
        logger.info("%s has ended", previous)

    @asynccontextmanager
    async def _in_place(self, source: Source, *, force: bool) -> AsyncIterator[Deployment]:
        try:
            check_reloadable(self._switch.active.client.vllm_config)
        except ConfigurationError as error:
            raise CheckpointRejected(str(error)) from error
        await asyncio.to_thread(read_ahead, source.weights.path)
        async with self._switch.quiet(force=force):
            active = self._switch.active
            active.end()
            try:
                async with within_limit(self._engines, active.client):
                    await reload_weights(active.client, source.weights.path)
                    async with in_engine(active.client, source, active) as deployment:
                        yield deployment
            except Exception:  # not where it is cancelled: the server ends, and the engine with it
                if not self._switch.is_shut_down:
                    await self._put_back(active)
                raise

    async def _put_back(self, active: Deployment) -> None:
        """Restore the weights of the active deployment, in its engine or in a new one.

        Where neither works nothing is left that may answer: the engine is stopped, and it is tried
        again as for one that died (`restart`).
        """
        assert active.source is not None
        try:
            if await self._restored(active, active.source):
                active.resume()
                return
            async with in_new_engine(self._engines, active.source, active) as again:
                await self._prover.prove(again)
                self._switch.activate(again)
        except Exception:
            logger.critical("%s cannot be put back: its engine is stopped", active)
            await self._engines.stop(active.client)
            raise
        await self.end(active)

    async def _restored(self, deployment: Deployment, source: Source) -> bool:
        """Put its weights back into its engine; returns whether that worked."""
        client, adapter = deployment.client, deployment.adapter
        try:
            async with within_limit(self._engines, client):
                await reload_weights(client, source.weights.path)
                if adapter is not None:
                    await add_adapter_again(client, adapter)
                await self._prover.prove(deployment)
        except (CheckpointRejected, EngineDeadError):
            logger.exception("%s cannot be put back in place: starting an engine", deployment)
            return False
        return True
