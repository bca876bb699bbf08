"""`laserve measure-ref` as tests call it, and a forward pass to compare it with."""

import argparse
import json
from pathlib import Path

import torch
from transformers import PreTrainedModel

from laserve.core.manifest import Manifest, read_manifest
from laserve.measure_ref import add_arguments, run

PROMPTS = [{"prompt": f"What is {i} + 7?"} for i in range(6)]
ANSWERED = [row | {"completion": f"It is {i + 7}. " * (i + 1)} for i, row in enumerate(PROMPTS)]


def data_file(folder: Path, *rows: object) -> Path:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def measure_ref(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


def measured(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def forward(model: PreTrainedModel, ids: list[int], z_c: int) -> float:
    """log p(z_c | ids) by the definition, in float64 from the model's logits."""
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, -1].double()
    return float(logits[z_c] - torch.logsumexp(logits, 0))


def chat(prompt: str) -> str:
    """The tiny model's chat template, spelled out."""
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
