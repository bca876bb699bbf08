"""Lays another row of the output layer over a running engine: z_c's, which no text meets.

Text and KV cache stay what they are, so requests may run on meanwhile: an answer is scored by the
row that is there at its end.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from vllm.model_executor.layers.vocab_parallel_embedding import (
    ParallelLMHead,
    UnquantizedEmbeddingMethod,
    VocabParallelEmbedding,
)

from laserve.errors import ConfigurationError


def lay_row(model: torch.nn.Module, file: Path, tensor: str, z_c: int) -> bool:
    """Put a safetensors file's tensor (D,) in the place of z_c's row; whether this worker has it.

    Where the output layer is sharded, its own shard's worker does. Raises ConfigurationError for a
    row of another width, or an output layer that is quantised or unknown.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, VocabParallelEmbedding)]
    # A tied model may have its embeddings for an output layer.
    heads = [layer for layer in layers if isinstance(layer, ParallelLMHead)] or layers
    if not heads:
        return False  # of a pipeline's other stage
    if len(heads) > 1 or not isinstance(heads[0].quant_method, UnquantizedEmbeddingMethod):
        raise ConfigurationError(
            f"this engine has {len(heads)} output layers, of {type(heads[0]).__name__} with "
            f"{type(heads[0].quant_method).__name__}: a score row is laid over one that is not "
            "quantised"
        )
    weight, shard = _weight(heads[0]), heads[0].shard_indices
    row = load_file(file)[tensor]
    if row.shape != weight.shape[1:]:
        raise ConfigurationError(
            f"{file} has {row.numel()} numbers, the output layer's rows have "
            f"{weight.shape[1]}: it belongs to another model"
        )
    if not shard.org_vocab_start_index <= z_c < shard.org_vocab_end_index:
        return False
    with torch.inference_mode():
        weight.data[z_c - shard.org_vocab_start_index].copy_(row)
        for layer in layers:
            if _weight(layer) is weight:  # on a CPU each computes with a packed copy
                layer.quant_method.process_weights_after_loading(layer)
    return True


def _weight(layer: VocabParallelEmbedding) -> torch.nn.Parameter:
    return layer.get_parameter("weight")
