"""Mixtures: shares by weight, and each problem judged by its own part."""

from collections import Counter
from pathlib import Path

import pytest

from laserve.errors import ConfigurationError, DataError
from laserve_training.config import Config, MixtureTable, load_config
from laserve_training.problem import Part, Split, Task
from laserve_training.tasks.files import FileTask
from laserve_training.tasks.mixture import MixtureTask
from laserve_training.tasks.registry import make_task
from laserve_training.verifiers.references import check_references
from laserve_training.verifiers.registry import make_verifier

CONFIG = """
name = "mine"
output = "runs/mine"
model = { path = "a-model" }
score = { z_c = "<|score|>" }

[task]
kind = "mixture"
name = "both"

[[task.parts]]
weight = 3
task = { kind = "countdown" }

[[task.parts]]
verifier = "choice"
task = { kind = "file", name = "letters", train = "letters.jsonl" }
"""


def load(folder: Path, *overrides: str, text: str = CONFIG) -> Config:
    (folder / "mine.toml").write_text(text)
    return load_config(folder / "mine.toml", overrides)


def mixture(folder: Path, letter: str = "A") -> Task:
    rows = [f'{{"prompt": "Which, {n}?", "answer": "{letter}"}}\n' for n in range(8)]
    (folder / "letters.jsonl").write_text("".join(rows))
    text = CONFIG.replace("letters.jsonl", str(folder / "letters.jsonl"))
    table = load(folder, text=text).task
    assert isinstance(table, MixtureTable)
    return make_task(table)


def test_each_part_gives_its_share_in_one_order_for_a_seed(tmp_path: Path) -> None:
    task = mixture(tmp_path)
    problems = task.problems(Split.TRAIN, 30, seed=0)
    # 30 * 3/4 and 30 * 1/4: 22.5 and 7.5, where the first of equal remainders is rounded up.
    assert Counter(problem.part for problem in problems) == {0: 23, 1: 7}
    assert len({problem.where for problem in problems}) == 30
    assert [problem.part for problem in problems] != sorted(problem.part for problem in problems)
    assert task.problems(Split.TRAIN, 30, seed=0) == problems
    assert task.problems(Split.TRAIN, 30, seed=1) != problems


def test_a_problem_is_judged_by_its_own_part(tmp_path: Path) -> None:
    task = mixture(tmp_path)
    verifier = make_verifier("task", task)
    for problem in task.problems(Split.TRAIN, 8, seed=0):
        assert verifier(problem, "The answer is (A).") is (problem.part == 1)
    check_references(verifier, task.problems(Split.TRAIN, 8, seed=0))
    wrong = mixture(tmp_path, letter="Paris")
    with pytest.raises(DataError, match="part 1, line .* no letter from A to J"):
        check_references(make_verifier("task", wrong), wrong.problems(Split.TRAIN, 8, seed=0))


def test_a_question_of_one_parts_test_in_anothers_training_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.jsonl" for name in ("train", "test", "other")]
    for path, question in zip(paths, ("1 + 1?", "1 + 2?", "1 + 2?"), strict=True):
        path.write_text(f'{{"prompt": "{question}", "answer": 3}}\n')
    whole = Part(FileTask("whole", train=paths[0], test=paths[1]), 1.0, "math")
    leaking = Part(FileTask("leaking", train=paths[2]), 1.0, "math")
    assert MixtureTask("one", (whole,)).problems(Split.TRAIN, 1, seed=0)
    with pytest.raises(DataError, match=r"test.jsonl \(test\) asks the same as .*other.jsonl"):
        MixtureTask("both", (whole, leaking)).problems(Split.TRAIN, 2, seed=0)


def test_a_mixture_without_a_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="say how many train problems"):
        mixture(tmp_path).problems(Split.TRAIN, None, seed=0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CONFIG.replace("weight = 3", "weight = 0"), "greater than 0"),
        (CONFIG.replace('verifier = "choice"', ""), "has no verifier of its own: name one"),
        ('verifier = "math"' + CONFIG, "leave `verifier` out"),
        (CONFIG.replace('"countdown"', '"mixture"'), "`task.mixture.parts.0.task`"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text=text)
    assert reason in str(refused.value)
