"""vLLM's CPU worker, with seeds that survive chunked prefill.

A prompt longer than `max_num_batched_tokens` is prefilled in chunks; every chunk but the last
samples a token that is thrown away, and vLLM then winds the request's random generator back. The
CPU generator of PyTorch cannot be wound back (`RuntimeError: CPU Generator does not use offset`),
which kills the engine. Here such a chunk never touches the request's generator, so there is
nothing to wind back, and the answer for a seed does not depend on how its prompt was chunked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from vllm.v1.worker.cpu_model_runner import CPUModelRunner
from vllm.v1.worker.cpu_worker import CPUWorker


class SeededCPUModelRunner(CPUModelRunner):
    """Keeps the generators of unfinished prefills out of sampling and its bookkeeping."""

    def _sample(self, *args: Any, **kwargs: Any) -> Any:
        with self._unfinished_prefills_unseeded():
            return super()._sample(*args, **kwargs)

    def _bookkeeping_sync(self, *args: Any, **kwargs: Any) -> Any:
        with self._unfinished_prefills_unseeded():
            return super()._bookkeeping_sync(*args, **kwargs)

    @contextmanager
    def _unfinished_prefills_unseeded(self) -> Iterator[None]:
        generators = self.input_batch.generators
        if not generators:
            yield
            return
        discarded = np.nonzero(self.discard_request_mask.np[: self.input_batch.num_reqs])[0]
        kept = {index: generators.pop(index) for index in discarded.tolist() if index in generators}
        try:
            yield
        finally:
            generators.update(kept)


class SeededCPUWorker(CPUWorker):
    """Given to vLLM by `--worker-cls` on CPU platforms."""

    def init_device(self) -> None:
        """As vLLM's, with our model runner in place of its (both are cheap before loading)."""
        super().init_device()  # type: ignore[no-untyped-call]
        if not self.use_v2_model_runner:
            self.model_runner = SeededCPUModelRunner(self.vllm_config, torch.device("cpu"))
