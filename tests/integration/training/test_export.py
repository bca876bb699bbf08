"""A checkpoint of a save: whatever the model writes, and with advice where it cannot be made."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from laserve.core.manifest import ReferenceConstant, read_manifest
from laserve.errors import ConfigurationError
from laserve_training.__main__ import main
from laserve_training.commands.export import run_export
from laserve_training.config import load_config
from laserve_training.run_record import RunRecord, write_record
from tests.tiny_model import TinyModel, build_tiny_model

CONFIG = """
name = "mine"
output = "elsewhere"
verifier = "exact"
model = {{ path = "{model}" }}
task = {{ kind = "file", name = "sums", train = "{rows}" }}
score = {{ z_c = "<|vision_start|>", c_ref = -14.0 }}
laser = {{ max_completion_length = 2 }}
"""


@pytest.fixture
def endless(tmp_path: Path) -> TinyModel:
    """A model that never comes to an end."""
    return build_tiny_model(tmp_path / "endless", eos_bias=-50.0)


@pytest.fixture
def run(endless: TinyModel, tmp_path: Path) -> Path:
    """The folder of a run that was saved after steps 2 and 4."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f'{{"prompt": "{n} + 1?", "answer": {n + 1}}}\n' for n in range(4)))
    (tmp_path / "mine.toml").write_text(CONFIG.format(model=endless.path, rows=rows))
    record = RunRecord(
        config=load_config(tmp_path / "mine.toml"),
        z_c=endless.z_c,
        eos_token_ids=endless.eos_token_ids,
        problems="",
        processes=1,
        start=None,
        c_ref=ReferenceConstant(mean=-14.0, std=0.0, count=0),
    )
    folder = tmp_path / "run"
    write_record(folder / "laser", record)
    for step in (2, 4):
        save = shutil.copytree(endless.path, folder / "laser" / f"checkpoint-{step}")
        (save / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


def test_a_model_that_finishes_no_answer_still_gets_its_checkpoint(
    run: Path, endless: TinyModel
) -> None:
    folder = run_export(run)
    assert folder == run / "checkpoint-4"
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.checkpoint == "mine"
    assert len(manifest.golden_probes) == 4
    weights, saved = (load_file(path / "model.safetensors") for path in (folder, endless.path))
    assert all(weights[name].equal(tensor) for name, tensor in saved.items())


def test_a_step_and_a_folder_can_be_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run), "--step", "2", "--to", str(run / "early")]) == 0
    assert capsys.readouterr().out.endswith(f"wrote {run / 'early'}\n")
    assert read_manifest(run / "early") is not None


def test_what_cannot_be_exported_is_refused_with_what_can(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "--step", "3"]) == 2
    assert "no complete save of step 3; saved steps are 2, 4" in capsys.readouterr().err
    for save in (run / "laser").glob("checkpoint-*"):
        (save / "model.safetensors").unlink()
    with pytest.raises(ConfigurationError, match="accelerate merge-weights"):
        run_export(run)
