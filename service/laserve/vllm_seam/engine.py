"""Parts of vLLM's engine client that its interface does not show."""

import asyncio
from typing import cast

from vllm.engine.protocol import EngineClient
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.metrics.loggers import PrometheusStatLogger


async def stop_core(client: EngineClient) -> None:
    """End an engine's processes and free its memory; of the client keep what renders prompts, which
    `EngineClient.shutdown` would end too."""
    engine = cast(AsyncLLM, client)
    if engine.output_handler is not None:
        engine.output_handler.cancel()
    await asyncio.to_thread(engine.engine_core.shutdown)


def fail_requests(client: EngineClient, error: Exception) -> None:
    """End all generations of an engine: each raises an EngineGenerateError because of `error`."""
    cast(AsyncLLM, client).output_processor.propagate_error(error)


def prometheus_logger(client: EngineClient) -> PrometheusStatLogger | None:
    """What counts an engine in the metrics; None where the server was started to count nothing."""
    manager = cast(AsyncLLM, client).logger_manager
    loggers = [] if manager is None else manager.stat_loggers
    return next((one for one in loggers if isinstance(one, PrometheusStatLogger)), None)
