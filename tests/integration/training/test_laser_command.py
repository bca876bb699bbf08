"""`laser` and `sft` in the test's own process: no step, and the best model of several."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from laserve.errors import ConfigurationError
from laserve_training.commands.laser import run_laser
from laserve_training.commands.sft import run_sft
from laserve_training.config import load_config
from tests.integration.training.conftest import Trained
from tests.integration.training.small_run import CONFIG, SMALL


def test_fine_tuning_that_takes_no_step_is_refused(tmp_path: Path) -> None:
    none = (f"output={tmp_path / 'run'}", "sft.trainer.num_train_epochs=0", "sft.examples=32")
    with pytest.raises(ConfigurationError, match="num_train_epochs"):
        run_sft(load_config(CONFIG, [*SMALL, *none]))
    assert not (tmp_path / "run" / "sft").exists()


def test_a_run_that_gets_no_better_ends_and_keeps_its_best_model(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(trained.fine_tuned, tmp_path / "run")
    best = (
        f"output={run}",
        "laser.evaluation.early_stopping_patience=1",
        # Never better by so much than the first.
        "laser.evaluation.early_stopping_threshold=2.0",
        "laser.trainer.metric_for_best_model=accuracy",
        "laser.trainer.load_best_model_at_end=true",
    )
    run_laser(load_config(CONFIG, [*SMALL, *best]))
    saves = sorted(path.name for path in (run / "laser").glob("checkpoint-*"))
    assert saves == ["checkpoint-2", "checkpoint-4"]
    told = capsys.readouterr().err
    kept = next(name for name in saves if f"the model is that of step {name[-1]}, the best" in told)
    weights = load_file(run / "checkpoint" / "model.safetensors")
    for name, tensor in load_file(run / "laser" / kept / "model.safetensors").items():
        # Rows of bytes that are not of the alphabet come behind those that were trained.
        assert weights[name][: len(tensor)].equal(tensor), name
