"""Completions to measure by: what is of no use is left out, and all of no use is refused."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from laserve.errors import DataError
from laserve.reference.load import load_model
from laserve_training.commands.measure_ref import measure
from laserve_training.config import Config
from laserve_training.models import training_tokenizer
from laserve_training.problem import Problem
from tests.tiny_model import build_tiny_model


def problem(completion: str) -> Problem:
    asked: dict[str, JsonValue] = {"role": "user", "content": "?"}
    return Problem(f"row {len(completion)}", (asked,), "1", completion=completion)


def test_a_completion_above_the_context_is_left_out(tmp_path: Path) -> None:
    path = str(build_tiny_model(tmp_path / "tiny").path)
    content = {
        "name": "mine",
        "output": "runs/mine",
        "model": {"path": path},
        "task": {"kind": "countdown"},
        "score": {"z_c": "<|vision_start|>"},
    }
    config = Config.model_validate(content)
    model, tokenizer = load_model(path, "float32"), training_tokenizer(path)
    short, long = problem("1"), problem("x" * 4000)
    both = measure(config, model, tokenizer, [long, short], with_completions=True)
    alone = measure(config, model, tokenizer, [short], with_completions=True)
    assert both.completions == alone.completions
    with pytest.raises(DataError, match="row 4000 takes .* the model's context has 2048"):
        measure(config, model, tokenizer, [long], with_completions=True)
