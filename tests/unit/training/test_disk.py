"""The disk that a run needs is told, and asked for, before it begins."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve_training.config import LoraTable, ModelTable
from laserve_training.disk import DiskNeed, disk_need
from laserve_training.laser.config import LaSeRConfig
from laserve_training.models import outline
from tests.tiny_model import build_tiny_model

EVALUATED = {"eval_strategy": "steps", "eval_steps": 2}


def need(folder: Path, **arguments: Any) -> DiskNeed:
    """Of 100 weights of which 60 are trained, on 64 problems, 16 of which make a step."""
    model = nn.Sequential(nn.Linear(6, 10, bias=False), nn.Linear(10, 4, bias=False))
    model[1].requires_grad_(requires_grad=False)
    given: dict[str, Any] = {
        "output_dir": str(folder),
        "z_c": 0,
        "c_ref": -20.0,
        "use_cpu": True,
        "bf16": False,
        "per_device_train_batch_size": 64,
        "num_generations": 4,
        "num_train_epochs": 2,
        "save_steps": 2,
    }
    args = LaSeRConfig(**(given | arguments))
    return disk_need(model, args, 64, dtype_bytes=2)


def test_a_save_has_what_is_trained_and_the_optimizer(tmp_path: Path) -> None:
    found = need(tmp_path)
    # 8 steps, a save every 2; at the end what was trained in float32, the checkpoint in 16 bits.
    assert found == DiskNeed(save=60 * 12, kept=4, end=60 * 4 + 100 * 2)
    assert found.total == 4 * 720 + 440


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ({"save_total_limit": 2}, 3),
        ({"save_total_limit": 9}, 4),
        ({"save_strategy": "no"}, 0),
        ({"save_strategy": "epoch"}, 2),
        ({"save_steps": 0.5}, 2),
        ({"max_steps": 3}, 2),
        # The best, the newest, and the one that is being written.
        ({"save_total_limit": 1, "load_best_model_at_end": True, **EVALUATED}, 3),
        ({"save_strategy": "best", "metric_for_best_model": "auroc", **EVALUATED}, 4),
    ],
)
def test_saves_are_counted_as_they_are_kept(
    arguments: dict[str, Any], kept: int, tmp_path: Path
) -> None:
    assert need(tmp_path, **arguments).kept == kept


def test_a_save_of_the_model_only_has_no_optimizer(tmp_path: Path) -> None:
    assert need(tmp_path, save_only_model=True).save == 60 * 4


def test_what_is_trained_is_counted_without_its_weights(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "tiny").path
    whole = sum(weight.numel() for weight in load_model(str(path), "float32").parameters())
    table = ModelTable(path=str(path), lora=LoraTable(r=2))
    adapted = outline(table, str(path))
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    assert sum(weight.numel() for weight in adapted.parameters()) == whole + trained
    assert 0 < trained < whole
    assert {weight.device.type for weight in adapted.parameters()} == {"meta"}


def test_what_is_needed_is_told_and_must_be_free(tmp_path: Path) -> None:
    told = DiskNeed(save=2 * 10**9, kept=0, end=10**7).check(tmp_path)
    assert told.startswith("the run needs 0.01 GB of disk: 2.00 GB for each save, 0 at once")
    with pytest.raises(ConfigurationError, match="save_total_limit"):
        DiskNeed(save=10**18, kept=3, end=0).check(tmp_path)
