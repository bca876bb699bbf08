"""Reading another checkpoint's weights into a running engine, in every worker, and proving them.

vLLM's own `reload_weights` (0.32 and 0.33) takes a model's layers to the meta device, fills one
after the other and copies each into the tensors that it had. Three things go wrong with that:

- On a CPU a layer computes with a packed copy of its weight (`layer.cpu_linear`), which is made
  when the layer has been filled. An output layer that is tied to the embeddings is not in the
  checkpoint and so never filled: its weight is the embeddings' new one, its packed copy the old
  one. New hidden states meet the old output layer, without an error.
- A reload that fails leaves layers on the meta device, where the next request kills the engine,
  and leaves the tensors that it had read waiting, which the next reload takes for its own.
- Non-finite weights put NaN into the KV cache. Attention also reads the unused rest of a block, so
  NaN comes back in later answers of sound weights; resetting the prefix cache does not clear it.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from vllm.config import VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod
from vllm.model_executor.model_loader.reload.layerwise import (
    finalize_layerwise_reload,
    get_layerwise_info,
)
from vllm.platforms import current_platform

from laserve.errors import ConfigurationError
from laserve.worker.probe_rows import take_rows
from laserve.worker.score_row import lay_row
from laserve.worker.weights import compare_weights


class _Worker(Protocol):
    """What the extension uses of the worker that it is mixed into, on CPU and GPU."""

    vllm_config: VllmConfig
    model_runner: Any

    def reload_weights(self, *, weights_path: str) -> None: ...


class ReloadExtension:
    """Given to vLLM by `--worker-extension-cls`; its methods are called by `collective_rpc`."""

    def reload_checkpoint(self: _Worker, weights_path: str) -> None:
        """Put the weights of the checkpoint folder ``weights_path`` in place of the present ones.

        Only while the engine has no requests. The KV cache is zeroed: reset the prefix cache before
        the next request. LoRA adapters are unloaded; their next request loads them again. Names
        and shapes of the tensors must be those of the present checkpoint: a missing tensor or a
        too large one is no error to vLLM.

        Raises ConfigurationError as `check_reloadable` does, and what vLLM's loader raises; to the
        caller of `collective_rpc` both are an Exception with the message. After an error of the
        loader the weights are a mixture, which a reload of the former checkpoint replaces.
        """
        check_reloadable(self.vllm_config)
        model = self.model_runner.get_model()
        try:
            self.reload_weights(weights_path=weights_path)
        finally:
            with set_current_vllm_config(self.vllm_config):
                _finish_unfinished_layers(model, self.vllm_config)
        _repack_tied_layers(model)
        _zero_kv_cache(self.model_runner.kv_caches)

    def compare_weights(
        self: _Worker, weights_path: str, names: list[str] | None
    ) -> dict[str, list[str]]:
        """Compare the present weights, those of these names or all, with the checkpoint folder
        ``weights_path``. Returns the fields of `weights.Compared`."""
        parallel = self.vllm_config.parallel_config
        sharded = parallel.tensor_parallel_size > 1 or parallel.enable_expert_parallel
        model = self.model_runner.get_model()
        with set_current_vllm_config(self.vllm_config):
            return asdict(compare_weights(model, Path(weights_path), names, sharded=sharded))

    def lay_score_row(self: _Worker, file: str, tensor: str, z_c: int) -> bool:
        """As `score_row.lay_row`; also while the engine has requests."""
        with set_current_vllm_config(self.vllm_config):
            return lay_row(self.model_runner.get_model(), Path(file), tensor, z_c)

    def take_probe_rows(self, prefix: str) -> dict[str, dict[str, Any]]:
        """The rows that golden probes of this prefix have asked for (`probe_rows`)."""
        return take_rows(prefix)


def check_reloadable(config: VllmConfig) -> None:
    """Raise ConfigurationError where an engine's weights cannot be replaced in place."""
    quantization = config.model_config.quantization
    if current_platform.is_cpu() and quantization is not None:
        # vLLM 0.32 answers with NaN after it, even from the same checkpoint.
        raise ConfigurationError(
            f"{quantization} weights cannot be replaced in a running engine on a CPU: load the "
            "checkpoint into a second engine"
        )


def _finish_unfinished_layers(model: torch.nn.Module, config: VllmConfig) -> None:
    """Give the layers that a failed reload did not finish their tensors back, and drop what it
    had read for them. A reload that succeeded leaves no such layers."""
    for layer in model.modules():
        info = get_layerwise_info(layer)
        info.loaded_weights.clear()
        info.load_numel = 0
    finalize_layerwise_reload(model, config.model_config)


def _repack_tied_layers(model: torch.nn.Module) -> None:
    """Pack anew the weights that a layer shares with an earlier one; on a GPU nothing is packed."""
    seen: set[int] = set()
    for layer in model.modules():
        weights = {id(weight) for weight in layer.parameters(recurse=False)}
        method = getattr(layer, "quant_method", None)
        if weights & seen and isinstance(method, UnquantizedEmbeddingMethod):
            method.process_weights_after_loading(layer)
        seen |= weights


def _zero_kv_cache(caches: list[Any]) -> None:
    """Zero attention's blocks. The states of recurrent layers are lists of tensors, and vLLM
    zeroes them itself before each use."""
    for cache in caches:
        if isinstance(cache, torch.Tensor):
            cache.zero_()
