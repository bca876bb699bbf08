"""The tiny checkpoint with one matrix for embeddings and output layer."""

from pathlib import Path

import torch
from transformers import Qwen2ForCausalLM

from tests.tiny_model import TinyModel, build_tiny_model


def build_tiny_tied_model(path: Path, *, seed: int = 0) -> TinyModel:
    """As `build_tiny_model`, with tied embeddings."""
    tiny = build_tiny_model(path, seed=seed)
    model = Qwen2ForCausalLM.from_pretrained(path)
    with torch.no_grad():
        # Its first column is a bias for the output layer, and at the input the constant that it
        # needs. The signs keep a token from being its own likeliest successor.
        weight = model.lm_head.weight
        weight[:, 0] += 1.0
        signs = torch.randint(0, 2, weight.shape[1:], generator=torch.Generator().manual_seed(seed))
        model.model.norm.weight.copy_(2.0 * signs - 1.0)
        model.model.norm.weight[0] = 1.0
    model.config.tie_word_embeddings = True
    model.model.embed_tokens.weight = weight
    model.tie_weights()
    model.save_pretrained(path)
    return tiny
