"""What `laserve-train probe --data` names: a file of problems, which is split, or a task."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from laserve.errors import ConfigurationError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.files import FileTask

SHARES = {Split.TRAIN: 50, Split.CALIBRATION: 75, Split.TEST: 100}
"""Where each split of a file ends, in percent."""
GENERATED = ("countdown", "sums")
REASONING_GYM = "reasoning_gym:"


def task_table(data: str, folder: Path) -> dict[str, Any]:
    """The `[task]` table for `--data`; a file's splits are written to `folder`.

    Raises ConfigurationError where it names neither, DataError for a file that cannot be used.
    """
    if data.startswith(REASONING_GYM):
        return {"kind": "reasoning_gym", "dataset": data.removeprefix(REASONING_GYM)}
    if data in GENERATED:
        return {"kind": data}
    path = Path(data)
    if not path.exists():
        raise ConfigurationError(
            f"--data {data} is no file and no task: give JSON Lines or Parquet of problems, or "
            f"{', '.join(GENERATED)} or {REASONING_GYM}DATASET"
        )
    problems = FileTask(path.stem, train=path).problems(Split.TRAIN, None, seed=0)
    folder.mkdir(parents=True, exist_ok=True)
    return {"kind": "file", "name": path.stem, **_split(problems, folder)}


def _split(problems: list[Problem], folder: Path) -> dict[str, str]:
    """Write each split, by the hash of its questions: who asks the same is in the same."""
    hashes = {_question(problem): "" for problem in problems}
    ranked = sorted(hashes, key=lambda question: sha256(question.encode()).digest())
    rank = {question: 100 * place // len(ranked) for place, question in enumerate(ranked)}
    rows: dict[Split, list[str]] = {split: [] for split in SHARES}
    for problem in problems:
        split = next(s for s, end in SHARES.items() if rank[_question(problem)] < end)
        row = {**problem.metadata, "messages": problem.messages, "answer": problem.answer}
        rows[split].append(json.dumps(row) + "\n")
    if not all(rows.values()):
        raise ConfigurationError(
            f"{len(ranked)} different questions are too few for three splits: give more"
        )
    written = {}
    for split, lines in rows.items():
        path = folder / f"{split}.jsonl"
        path.write_text("".join(lines), encoding="utf-8")
        written[str(split)] = str(path)
    return written


def _question(problem: Problem) -> str:
    """Another system prompt does not make another question."""
    return json.dumps([message for message in problem.messages if message["role"] != "system"])
