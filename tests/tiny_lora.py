"""A LoRA adapter for the tiny model, and the merged weights that it amounts to."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

RANK = 4
ALPHA = 32.0


def build_tiny_lora(base: Path, adapter: Path) -> PreTrainedModel:
    """Save an adapter of the query projections to ``adapter``; returns the merged model."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for number, layer in enumerate(model.model.layers):
        weight = layer.self_attn.q_proj.weight.data
        a = torch.randn(RANK, weight.shape[1], generator=generator)
        b = torch.randn(weight.shape[0], RANK, generator=generator) * 0.2
        prefix = f"base_model.model.model.layers.{number}.self_attn.q_proj"
        tensors[f"{prefix}.lora_A.weight"] = a
        tensors[f"{prefix}.lora_B.weight"] = b
        weight += (ALPHA / RANK) * (b @ a)
    adapter.mkdir()
    save_file(tensors, adapter / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["q_proj"],
        "bias": "none",
    }
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    return model
