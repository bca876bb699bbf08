"""A resume is the same run, or is refused with what makes it another one."""

from pathlib import Path
from typing import Any

import pytest

from laserve.core.manifest import ReferenceConstant
from laserve.errors import ConfigurationError
from laserve_training.config import Config, load_config
from laserve_training.problem import Problem
from laserve_training.run_record import RECORD_NAME, RunRecord, read_record, write_record

PROBLEMS = [Problem(f"row {n}", ({"role": "user", "content": f"{n}?"},), str(n)) for n in range(3)]
CONFIGS = Path(__file__).parents[3] / "training" / "configs"
C_REF = ReferenceConstant(mean=-14.0, std=1.0, count=3)


def record(
    problems: list[Problem] = PROBLEMS, processes: int = 1, start: str = "ab", **changes: Any
) -> RunRecord:
    laser = {"alpha": changes.pop("alpha", 0.1), "trainer": changes.pop("trainer", {})}
    score = {"z_c": "<z>", "c_ref": changes.pop("c_ref", "measure")}
    content = {
        "name": "mine",
        "output": "runs/mine",
        "model": {"path": "a"},
        "laser": laser,
        "task": {"kind": "countdown"},
        "score": score,
    }
    return RunRecord.of(
        Config(**(content | changes)),
        problems,
        processes,
        C_REF,
        start=start,
        z_c=5,
        eos_token_ids=frozenset({1, 2}),
    )


def refusal(before: RunRecord, after: RunRecord) -> str:
    with pytest.raises(ConfigurationError) as refused:
        before.check_resumable_as(after)
    return str(refused.value)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "laser", record())
    assert read_record(tmp_path / "laser") == record()
    record().check_resumable_as(read_record(tmp_path / "laser"))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_configuration_is_read_back_as_it_was(tmp_path: Path, path: Path) -> None:
    one = record().model_copy(update={"config": load_config(path)})
    write_record(tmp_path, one)
    assert read_record(tmp_path) == one


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": 1}, "`seed` is 1, and was 0"),
        ({"alpha": 0.5}, "`laser.alpha` is 0.5, and was 0.1"),
        ({"c_ref": -9.0}, '`score.c_ref` is -9.0, and was "measure"'),
        (
            {"trainer": {"learning_rate": 1e-5}},
            "`laser.trainer.learning_rate` is 1e-05, and was null",
        ),
        ({"problems": PROBLEMS[::-1]}, "the training problems are others"),
        ({"processes": 2}, "it has 2 processes, and had 1"),
        ({"start": "cd"}, "the model that it starts from has other weights"),
    ],
)
def test_what_makes_another_run_is_refused_by_name(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(record(), record(**changes))


def test_a_trained_model_is_that_of_its_configuration() -> None:
    record().check_finished_as(record(name="other").config)
    with pytest.raises(ConfigurationError, match=r"`laser.alpha` is 0.5, and was 0.1"):
        record().check_finished_as(record(alpha=0.5).config)


def test_a_record_that_is_cut_short_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: int) -> None:
        raise KeyboardInterrupt

    write_record(tmp_path, record())
    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        write_record(tmp_path, record(alpha=0.5))
    assert read_record(tmp_path) == record()


def test_what_changes_no_number_may_change() -> None:
    other = record(
        name="other",
        output="elsewhere",
        evaluate={"samples": 2},
        trainer={"logging_steps": 1, "save_steps": 5, "report_to": []},
    )
    record().check_resumable_as(other)


def test_a_run_that_saved_no_optimizer_cannot_go_on() -> None:
    saved = record(trainer={"save_only_model": True})
    assert "no optimizer to go on with" in refusal(saved, saved)


def test_a_run_without_a_record_cannot_go_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"{RECORD_NAME} does not say"):
        read_record(tmp_path)
    (tmp_path / RECORD_NAME).write_text("{}")
    with pytest.raises(ConfigurationError, match=f"{RECORD_NAME} does not say"):
        read_record(tmp_path)
