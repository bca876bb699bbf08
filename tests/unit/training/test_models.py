"""What training calculates in, and what it keeps its weights in."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate.utils import DistributedType
from peft import get_peft_model

from laserve.errors import ConfigurationError
from laserve_training.config import LoraTable, ModelTable, ScratchTable
from laserve_training.laser.learnable import check_learnable
from laserve_training.models import (
    device_arguments,
    load_for_training,
    peft_config,
    start_hash,
    training_dtype,
)
from tests.tiny_checkpoints.change import update
from tests.tiny_model import build_tiny_model


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that is stored in bfloat16."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return str(build_tiny_model(folder, dtype=torch.bfloat16).path)


def of(path: str, **keys: Any) -> ModelTable:
    return ModelTable(path=path, **keys)


def accelerator(kind: DistributedType = DistributedType.NO, mixed_precision: str = "no") -> Any:
    return SimpleNamespace(distributed_type=kind, mixed_precision=mixed_precision)


def test_a_model_calculates_in_what_it_is_stored_in_unless_told_otherwise(stored: str) -> None:
    assert training_dtype(of(stored), stored) == "bfloat16"
    assert training_dtype(of(stored, dtype="float32"), stored) == "float32"
    assert training_dtype(ModelTable(scratch=ScratchTable()), None) == "float32"


def test_weights_are_known_by_their_hash(stored: str, tmp_path: Path) -> None:
    copy = shutil.copytree(stored, tmp_path / "copy")
    (copy / "README.md").write_text("The same.")
    assert start_hash(str(copy)) == start_hash(stored)
    other = build_tiny_model(tmp_path / "other", eos_bias=3.0).path
    assert start_hash(str(other)) != start_hash(stored)


def test_what_is_trained_is_in_float32_whatever_is_calculated_in(stored: str) -> None:
    table = of(stored, dtype="bfloat16")
    assert load_for_training(table, stored, "bfloat16").dtype == torch.float32
    assert device_arguments("bfloat16")["bf16"] is True
    assert device_arguments("float32")["bf16"] is False


def test_below_an_adapter_what_is_not_trained_takes_16_bits(stored: str) -> None:
    table = of(stored, lora=LoraTable(r=2))
    adapter = peft_config(table.lora)
    assert adapter is not None
    adapted = get_peft_model(load_for_training(table, stored, "bfloat16"), adapter)
    dtypes = {(p.requires_grad, p.dtype) for p in adapted.parameters()}
    assert dtypes == {(False, torch.bfloat16), (True, torch.float32)}
    check_learnable(adapted, accelerator())


def test_weights_that_steps_cannot_move_are_refused(stored: str) -> None:
    model = load_for_training(
        of(stored, lora=LoraTable()), stored, "bfloat16"
    )  # without its adapter
    with pytest.raises(ConfigurationError, match="embed_tokens.weight is in bfloat16.*rounding"):
        check_learnable(model, accelerator())
    with pytest.raises(ConfigurationError, match="rounding"):
        check_learnable(model, accelerator(DistributedType.FSDP))
    # These two keep copies in float32.
    check_learnable(model, accelerator(DistributedType.FSDP, "bf16"))
    check_learnable(model, accelerator(DistributedType.DEEPSPEED, "bf16"))


def test_what_training_cannot_calculate_in_is_refused(stored: str, tmp_path: Path) -> None:
    other = build_tiny_model(tmp_path / "tiny").path
    update(other / "config.json", dtype="float64")
    with pytest.raises(ConfigurationError, match="in float64.*one of float32, bfloat16, float16"):
        training_dtype(of(str(other)), str(other))
    if not torch.accelerator.is_available():
        with pytest.raises(ConfigurationError, match="float16 needs a GPU"):
            training_dtype(of(stored, dtype="float16"), stored)


def test_an_attention_that_there_is_not_is_refused_in_one_line(stored: str) -> None:
    table = of(stored, attn_implementation="flush")
    with pytest.raises(ConfigurationError, match="cannot be loaded: .*flush"):
        load_for_training(table, stored, "bfloat16")
    eager = load_for_training(of(stored, attn_implementation="eager"), stored, "bfloat16")
    assert eager.config._attn_implementation == "eager"
