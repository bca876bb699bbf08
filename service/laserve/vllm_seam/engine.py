"""Parts of vLLM's engine client that its interface does not show."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any, cast

import psutil
from vllm.engine.protocol import EngineClient
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.core_client import AsyncMPClient
from vllm.v1.engine.utils import CoreEngineProcManager
from vllm.v1.metrics.loggers import PrometheusStatLogger


async def stop_core(client: EngineClient) -> None:
    """End an engine's processes and free its memory; of the client keep what renders prompts, which
    `EngineClient.shutdown` would end too."""
    engine = cast(AsyncLLM, client)
    if engine.output_handler is not None:
        engine.output_handler.cancel()
    await asyncio.to_thread(engine.engine_core.shutdown)


async def on_every_worker(client: EngineClient, method: str, *args: object) -> list[Any]:
    """What the workers answer to `method`, those of every data parallel rank:
    `EngineClient.collective_rpc` gives the answers of the first rank alone."""
    if client.vllm_config.parallel_config.data_parallel_size == 1:
        answers: list[Any] = await client.collective_rpc(method, args=args)
        return answers
    core = cast(AsyncMPClient, cast(AsyncLLM, client).engine_core)
    ranks = await core.call_utility_all_async("collective_rpc", method, None, args, None)
    return [answer for workers in ranks for answer in workers]


async def close_context(client: EngineClient) -> None:
    """Close what the client of an engine that has ended still has open to reach it: vLLM leaves it
    to the garbage collector, which does not look at the first client again."""
    core = cast(AsyncMPClient, cast(AsyncLLM, client).engine_core)
    await asyncio.to_thread(core.resources.ctx.term)  # its sockets are closed by now


def engine_processes(client: EngineClient) -> list[psutil.Process]:
    """The processes of an engine that this process has started, its workers' too."""
    core = cast(AsyncMPClient, cast(AsyncLLM, client).engine_core)
    manager = core.resources.engine_manager
    return with_children(manager.processes if isinstance(manager, CoreEngineProcManager) else ())


def core_processes() -> set[BaseProcess]:
    """Those of every engine that this process has started, also of one that has no client yet. They
    have children, and so are no daemons, as all else is that runs beside them."""
    return {one for one in active_children() if not one.daemon}


def with_children(processes: Iterable[BaseProcess]) -> list[psutil.Process]:
    """Those of them that are there, and what they have started."""
    found: list[psutil.Process] = []
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(one.pid)
            found += [process, *process.children(recursive=True)]
    return found


def fail_requests(client: EngineClient, error: Exception) -> None:
    """End all generations of an engine: each raises `error`, or an EngineGenerateError because of
    it."""
    cast(AsyncLLM, client).output_processor.propagate_error(error)


def prometheus_logger(client: EngineClient) -> PrometheusStatLogger | None:
    """What counts an engine in the metrics; None where the server was started to count nothing."""
    manager = cast(AsyncLLM, client).logger_manager
    loggers = [] if manager is None else manager.stat_loggers
    return next((one for one in loggers if isinstance(one, PrometheusStatLogger)), None)
