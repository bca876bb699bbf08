"""An engine that is there in name only: of a golden probe it computes what the manifest beside its
weights says."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from laserve.core.manifest import Manifest, read_manifest
from laserve.errors import CheckpointRejected

VOCAB_SIZE = 384


async def nothing() -> None:
    """What comes between by default."""


class FakeEngine:
    """Stands in for vLLM's `EngineClient` as far as a load in place asks for it."""

    def __init__(self, weights: Path) -> None:
        model = SimpleNamespace(
            max_model_len=512,
            logits_processors=None,
            get_vocab_size=lambda: VOCAB_SIZE,
            dtype=torch.float32,
            quantization=None,
        )
        self.vllm_config = SimpleNamespace(
            model_config=model,
            parallel_config=SimpleNamespace(worker_extension_cls="", data_parallel_size=1),
            use_v2_model_runner=False,
            speculative_config=None,
        )
        self.engine_core = SimpleNamespace(resources=SimpleNamespace(engine_manager=None))
        self.errored = False
        self.reloaded: list[str] = []
        """The checkpoints that it was asked to read, in their order."""
        self.meanwhile: Callable[[], Awaitable[None]] = nothing
        """Awaited in the middle of a reload, which fails where it raises."""
        self.off_by: dict[str, float] = {}
        """Checkpoint -> nats by which its log-probabilities are others than it says."""
        self._manifest = manifest_of(weights)

    async def collective_rpc(self, method: str, args: tuple[str]) -> None:
        assert method == "reload_checkpoint"
        manifest = manifest_of(Path(*args))
        self.reloaded.append(manifest.checkpoint)
        await self.meanwhile()
        self._manifest = manifest

    async def generate(
        self, prompt: Any, params: Any, request_id: str, **options: Any
    ) -> AsyncGenerator[Any, None]:
        (z_c,) = params.logprob_token_ids
        position = {z_c: SimpleNamespace(logprob=self._logprob(prompt["prompt_token_ids"]))}
        yield SimpleNamespace(outputs=[SimpleNamespace(finish_reason="stop", logprobs=[position])])

    async def pause_generation(self, **options: Any) -> None: ...

    async def resume_generation(self) -> None: ...

    async def reset_prefix_cache(self) -> bool:
        return True

    def shutdown(self, timeout: float | None = None) -> None:
        self.errored = True

    def _logprob(self, tokens: list[int]) -> float:
        known = {
            (*probe.prompt_token_ids, *probe.completion_token_ids): probe.logprob
            for probe in self._manifest.golden_probes
        }
        return known[tuple(tokens)] + self.off_by.get(self._manifest.checkpoint, 0.0)


@dataclass
class FakeEngines:
    """Stands in for `laserve.hot_load.engines.Engines` where no second engine starts."""

    limit_s: float = 10.0
    started: list[str] = field(default_factory=list)
    """The checkpoints that an engine was to start with."""
    stopped: list[FakeEngine] = field(default_factory=list)

    async def start(self, checkpoint: Path) -> Any:
        self.started.append(manifest_of(checkpoint).checkpoint)
        raise CheckpointRejected("no engine started with it")

    async def kill(self, client: FakeEngine) -> None:
        client.errored = True

    async def stop(self, client: FakeEngine) -> None:
        self.stopped.append(client)

    def fits_beside(self, checkpoint: Path) -> bool:
        return False


def manifest_of(folder: Path) -> Manifest:
    """Of a folder that has one."""
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest
