"""What was killed goes on to the same numbers: training, and evaluation."""

import shutil
import signal
from pathlib import Path

import pytest
from safetensors.torch import load_file

from laserve.core.manifest import read_manifest
from laserve_training.commands.export import run_export
from tests.integration.training.conftest import Trained
from tests.integration.training.small_run import log_of, run, run_killed_at

TIMES = {"step_time", "tokens_per_second", "epoch", "num_tokens"}
"""What a log may differ in: times, and counters that the trainer keeps in the process."""


def test_a_run_killed_with_sigkill_continues_to_the_same_numbers(
    trained: Trained, tmp_path: Path
) -> None:
    whole = trained.output
    killed = shutil.copytree(trained.fine_tuned, tmp_path / "killed")
    log = tmp_path / "killed.log"
    assert run_killed_at(4, killed, log) == -signal.SIGKILL, log.read_text()[-3000:]
    saved = killed / "laser" / "checkpoint-4" / "trainer_state.json"
    assert saved.exists()
    assert not (killed / "checkpoint").exists()
    # As if the kill had come while the newest save was being written.
    newest = shutil.copytree(saved.parent, killed / "laser" / "checkpoint-6", dirs_exist_ok=True)
    (newest / "trainer_state.json").write_text('{"global_step": 6, "log_hist')

    # Meanwhile a checkpoint is made of what is there, which changes nothing for the run.
    early = load_file(run_export(killed) / "model.safetensors")
    for name, tensor in load_file(saved.parent / "model.safetensors").items():
        # Rows of bytes that are not of the alphabet come behind those that were trained.
        assert early[name][: len(tensor)].equal(tensor), name

    run("laser", killed, "--resume")
    expected, resumed = log_of(whole), log_of(killed)
    assert expected.keys() == resumed.keys() == set(range(1, 9))
    for step, entry in expected.items():
        for name in entry.keys() - TIMES:
            assert resumed[step][name] == pytest.approx(entry[name], abs=1e-6), (step, name)
    weights = [load_file(out / "checkpoint" / "model.safetensors") for out in (whole, killed)]
    for name, tensor in weights[0].items():
        assert weights[1][name].equal(tensor), name

    # As if the kill had come while the checkpoint was being written: that step is done alone.
    shutil.rmtree(killed / "checkpoint")
    made, manifest = (
        read_manifest(folder) for folder in (run_export(killed), whole / "checkpoint")
    )
    assert made is not None
    assert manifest is not None
    assert made.golden_probes == manifest.golden_probes
    assert made.files == manifest.files


def test_an_evaluation_that_was_killed_goes_on_to_the_same_numbers(
    trained: Trained, tmp_path: Path
) -> None:
    killed = shutil.copytree(trained.output, tmp_path / "killed")
    samples, report = (killed / "evaluation" / name for name in ("samples.jsonl", "report.json"))
    whole, lines = report.read_bytes(), samples.read_bytes().splitlines(keepends=True)
    # As the kill leaves it: while the seventh line is written, and before the report is.
    samples.write_bytes(b"".join(lines[:6]) + lines[6][:100])
    report.unlink()

    run("evaluate", killed)
    assert report.read_bytes() == whole
    again = samples.read_bytes().splitlines(keepends=True)
    assert again[:6] == lines[:6]
    assert sorted(again) == sorted(lines)
