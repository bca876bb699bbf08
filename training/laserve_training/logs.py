"""The log of a training run: TensorBoard through the trainer, and one JSON object a line."""

import json
import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

LOG_NAME = "log.jsonl"


class JsonLinesLog(TrainerCallback):
    """Appends every logged dictionary to `<folder>/log.jsonl`, with its step.

    After a resume the steps that are trained again stand twice; the later line is the one that
    counts.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_NAME

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Called by the trainer."""
        if not state.is_world_process_zero or logs is None:
            return
        finite = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in logs.items()
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **finite}, allow_nan=False) + "\n")
