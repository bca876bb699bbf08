"""The log in JSON Lines."""

import json
from pathlib import Path

from transformers import TrainerControl, TrainerState, TrainingArguments

from laserve_training.logs import JsonLinesLog


def test_every_logged_dictionary_is_a_line_with_its_step_and_no_nan(tmp_path: Path) -> None:
    log = JsonLinesLog(tmp_path / "run")
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    for step, value in ((1, 0.5), (2, float("nan"))):
        state = TrainerState(global_step=step)
        log.on_log(args, state, TrainerControl(), logs={"loss": value})
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": None},
    ]


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    state = TrainerState(global_step=1, is_world_process_zero=False)
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    JsonLinesLog(tmp_path).on_log(args, state, TrainerControl(), logs={"loss": 1.0})
    assert not (tmp_path / "log.jsonl").exists()
