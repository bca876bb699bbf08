"""What loading a checkpoint asks of a running engine, and what becomes of it where that fails."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from vllm.engine.protocol import EngineClient
from vllm.lora.request import LoRARequest
from vllm.v1.engine.exceptions import EngineDeadError

from laserve.checkpoint.staging import StagedCheckpoint
from laserve.core.checkpoint_files import ROW_NAME, ROW_TENSOR
from laserve.errors import CheckpointRejected

FIRST_ADAPTER_ID = 1 << 20
"""Above the ids that vLLM gives to the adapters that it was started with or told of."""

_ALIVE_S = 0.5
"""How often an engine that is to answer is looked after."""

_CANCELLED = "cancelled"
"""What vLLM's queue of a worker says of a call whose worker is gone (`shm_broadcast`): the engine
answers with that, and dies a moment later."""

Answer = TypeVar("Answer")


async def reload_weights(client: EngineClient, weights: Path) -> None:
    """Replace an engine's weights by those of a checkpoint folder. Raises CheckpointRejected, with
    a mixture of both in the engine."""
    with rejecting("the engine cannot reload its weights"):
        # Waits for what the engine still computes, and clears its caches.
        await _answer(client, client.pause_generation(mode="wait", clear_cache=True))
        try:
            reload = client.collective_rpc("reload_checkpoint", args=(str(weights),))
            await _answer(client, reload)
            if not await _answer(client, client.reset_prefix_cache()):
                raise CheckpointRejected("the engine kept what the weights before had computed")
        finally:
            await _answer(client, client.resume_generation())


async def lay_score_row(client: EngineClient, folder: Path, z_c: int) -> None:
    """Put the row of a folder in the place of z_c's, also while requests run. Raises
    CheckpointRejected where no worker has that row, or it cannot be replaced."""
    with rejecting(f"the engine does not take the score row {folder}"):
        arguments = (str(folder / ROW_NAME), ROW_TENSOR, z_c)
        laid = await _answer(client, client.collective_rpc("lay_score_row", args=arguments))
    if not any(laid):
        raise CheckpointRejected(f"no worker of the engine has a row for z_c={z_c} ({folder})")


async def add_adapter(client: EngineClient, adapter: StagedCheckpoint, version: int) -> LoRARequest:
    """Load an adapter into an engine. Raises CheckpointRejected."""
    # A name and a path of its own: vLLM's prefix cache tells adapters apart by these.
    request = LoRARequest(
        lora_name=f"{adapter.name}@{version}",
        lora_int_id=FIRST_ADAPTER_ID + version,
        lora_path=str(adapter.path),
    )
    with rejecting(f"the engine does not take the adapter {adapter.name}"):
        await _answer(client, client.add_lora(request))
    return request


async def add_adapter_again(client: EngineClient, adapter: LoRARequest) -> None:
    """Load one that a reload of the weights has unloaded. Raises CheckpointRejected."""
    with rejecting("the engine does not take its adapter again"):
        await _answer(client, client.add_lora(adapter))


async def remove_adapter(client: EngineClient, adapter: LoRARequest) -> None:
    """Unload an adapter. Raises EngineDeadError."""
    engine: Any = client  # `AsyncLLM` has it, the abstract client has not
    await _answer(client, engine.remove_lora(adapter.lora_int_id))


@contextmanager
def rejecting(problem: str) -> Iterator[None]:
    """Turn what an engine answers to a call that fails in a worker, which vLLM raises as a plain
    Exception with the worker's message, into a CheckpointRejected."""
    try:
        yield
    except EngineDeadError as error:
        raise CheckpointRejected(f"{problem}: it died of it") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        told = "it died of it" if str(error).endswith(f": {_CANCELLED}") else str(error)
        raise CheckpointRejected(f"{problem}: {told}") from error


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
