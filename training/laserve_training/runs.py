"""The folder of a LaSeR run: the trainer's saves, and the trained model.

<output>/laser/run.json          what checkpoints of the run are made with
<output>/laser/checkpoint-<N>/   a save of the trainer, after step N
<output>/laser/final/            the trained model, whole where it is
<output>/checkpoint/             the checkpoint that is made of it
"""

import json
from pathlib import Path

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR


def work_folder(output: Path) -> Path:
    """Where the trainer of a run works."""
    return output / "laser"


def final_folder(output: Path) -> Path:
    """Where the trained model of a run is."""
    return work_folder(output) / "final"


def find_saves(output: Path) -> dict[int, Path]:
    """The trainer's complete saves by their step, rising.

    The trainer writes `trainer_state.json` last: a save that was cut short has none.
    """
    numbered = {
        int(number): path
        for path in work_folder(output).glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if (number := path.name.rpartition("-")[2]).isdecimal()
    }
    return {step: path for step, path in sorted(numbered.items()) if _is_complete(path)}


def _is_complete(save: Path) -> bool:
    try:
        json.loads((save / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
