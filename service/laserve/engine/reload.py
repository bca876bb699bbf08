"""Reading another checkpoint's weights into a running engine, in every worker.

vLLM's own `reload_weights` takes a model's layers to the meta device, fills one after the other
and copies each into the tensors that it had. Two things go wrong with that (vLLM 0.32 and 0.33):

- On a CPU every layer computes with a packed copy of its weight (`layer.cpu_linear`), made when
  the layer is filled. An output layer that is tied to the embeddings is not in the checkpoint, so
  it is never filled: its weight is the embeddings' new one, and its packed copy the old one. The
  logits come from the new hidden states and the old output layer, without an error.
- A reload that fails leaves layers on the meta device, where the next request kills the engine,
  and the weights that it had read waiting: the next reload would take them for its own.
"""

from typing import Any, Protocol

import torch
from vllm.config import VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod
from vllm.model_executor.model_loader.reload.layerwise import (
    finalize_layerwise_reload,
    get_layerwise_info,
)


class _Worker(Protocol):
    """What the extension uses of the worker that it is mixed into, on CPU and GPU."""

    vllm_config: VllmConfig
    model_runner: Any

    def reload_weights(self, *, weights_path: str) -> None: ...


class ReloadExtension:
    """Given to vLLM by `--worker-extension-cls`."""

    def reload_checkpoint(self: _Worker, weights_path: str) -> None:
        """Put the weights of the checkpoint folder ``weights_path`` in place of the present ones.

        For `collective_rpc`, while no request runs. Names and shapes of the tensors must be those
        of the present checkpoint; vLLM does not check them. The prefix cache keeps what the old
        weights computed, and LoRA adapters are unloaded.

        An error in the worker reaches the caller of `collective_rpc` as an Exception that holds
        its message. The weights are then a mixture that can be replaced, but not served: reload
        the checkpoint that was there before.
        """
        model = self.model_runner.get_model()
        try:
            self.reload_weights(weights_path=weights_path)
        finally:
            with set_current_vllm_config(self.vllm_config):
                _leave_meta_device(model, self.vllm_config)
        _repack_tied_layers(model)


def _leave_meta_device(model: torch.nn.Module, config: VllmConfig) -> None:
    """Give layers that a failed reload did not finish their tensors back; none after success."""
    for layer in model.modules():
        info = get_layerwise_info(layer)
        info.loaded_weights.clear()
        info.load_numel = 0
    finalize_layerwise_reload(model, config.model_config)


def _repack_tied_layers(model: torch.nn.Module) -> None:
    """Pack the weights of output layers that are tied to embeddings; nothing to do on a GPU."""
    seen: set[int] = set()
    for layer in model.modules():
        weights = {id(weight) for weight in layer.parameters(recurse=False)}
        method = getattr(layer, "quant_method", None)
        if weights & seen and isinstance(method, UnquantizedEmbeddingMethod):
            method.process_weights_after_loading(layer)
        seen |= weights
