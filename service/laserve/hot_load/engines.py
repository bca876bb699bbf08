"""Starting and stopping engines beside the one that vLLM's server was started with."""

import asyncio
import multiprocessing
from argparse import Namespace
from copy import copy
from pathlib import Path
from typing import Any

import psutil
import torch
from vllm import AsyncEngineArgs
from vllm.engine.protocol import EngineClient
from vllm.platforms import current_platform
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.metrics.loggers import PrometheusStatLogger

from laserve.errors import CheckpointRejected
from laserve.hot_load.engine_calls import lay_score_row
from laserve.processes import kill
from laserve.vllm_seam.engine import (
    close_context,
    core_processes,
    engine_processes,
    prometheus_logger,
    stop_core,
    with_children,
)

PROCESS_BYTES = 2 << 30
"""Memory that an engine's processes take on a CPU besides weights and KV cache."""


class Engines:
    """Makes engines with the flags of the server, for other checkpoints of the same shape."""

    def __init__(self, args: Namespace, first: EngineClient) -> None:
        self.limit_s: float = args.engine_timeout_s
        """How long an engine may take to be started and proven, or to load another checkpoint and
        prove that."""
        self._args = args
        self._first = first
        self._processes = {first: engine_processes(first)}

    async def start(self, checkpoint: Path) -> EngineClient:
        """An engine of its own for this checkpoint.

        Raises CheckpointRejected where it does not start. Cancelled, it ends the processes that
        it has started: they are gone when this returns.
        """
        before = core_processes()
        # Seconds to minutes, in which the event loop has others to serve.
        starting = asyncio.ensure_future(asyncio.to_thread(self._start, checkpoint))
        try:
            client = await asyncio.shield(starting)
        except (RuntimeError, ValueError, OSError) as error:
            raise CheckpointRejected(
                f"no engine started with it: {error}. The server's log has the engine's own words"
            ) from error
        except asyncio.CancelledError:
            # The thread finds them gone, and ends.
            await asyncio.to_thread(kill, with_children(core_processes() - before))
            raise
        self._processes[client] = engine_processes(client)
        if row := self._args.laserve_row:
            await lay_score_row(client, row.folder, row.manifest.z_c)
        return client

    async def stop(self, client: EngineClient) -> None:
        """End an engine's processes, also where one of them has died before, and free its memory:
        they are gone when this returns."""
        if client is self._first:
            # Not the whole client: vLLM's serving objects go on to render prompts with a part.
            await stop_core(client)
        else:
            await asyncio.to_thread(client.shutdown)
        await close_context(client)
        await asyncio.to_thread(kill, self._processes.pop(client, ()))
        multiprocessing.active_children()  # takes leave of the processes that have ended

    async def kill(self, client: EngineClient) -> None:
        """End an engine's processes and nothing else, as if they had died."""
        await asyncio.to_thread(kill, self._processes[client])

    def fits_beside(self, checkpoint: Path) -> bool:
        """Whether the memory that is free holds a second engine with this checkpoint."""
        config = self._first.vllm_config
        if not current_platform.is_cpu():
            free, total = torch.cuda.mem_get_info()
            return free >= config.cache_config.gpu_memory_utilization * total
        cache = config.cache_config.kv_cache_memory_bytes or 0
        need = PROCESS_BYTES + cache + weight_bytes(checkpoint)
        return psutil.virtual_memory().available >= need

    def _start(self, checkpoint: Path) -> EngineClient:
        args = copy(self._args)
        args.model = str(checkpoint)
        return AsyncLLM.from_engine_args(
            AsyncEngineArgs.from_cli_args(args),
            usage_context=UsageContext.OPENAI_API_SERVER,
            stat_loggers=_metrics_of(self._first),
        )


def weight_bytes(checkpoint: Path) -> int:
    """Size of a checkpoint's weights."""
    return sum(path.stat().st_size for path in checkpoint.glob("*.safetensors"))


def _metrics_of(client: EngineClient) -> list[Any]:
    """Makes a further engine count in the metrics of this one: vLLM's own would take the place of
    those, also where the checkpoint is rejected later."""
    logger = prometheus_logger(client)
    return [] if logger is None else [_shared(logger)]


def _shared(logger: PrometheusStatLogger) -> type[PrometheusStatLogger]:
    class Shared(PrometheusStatLogger):
        """vLLM takes a class of loggers, and makes one of its own unless it is of this kind."""

        def __init__(self, *args: Any, **options: Any) -> None:
            self.record = logger.record  # type: ignore[method-assign]
            self.record_sleep_state = logger.record_sleep_state  # type: ignore[method-assign]
            self.record_admission_rejection = (  # type: ignore[method-assign]
                logger.record_admission_rejection
            )

        def log_engine_initialized(self) -> None:
            """The metrics are registered already."""

    return Shared
