"""What is written becomes whole, or goes: at once, or at the next start after a kill."""

from pathlib import Path

import pytest

from laserve_training.checkpoint import check_output
from laserve_training.working_folder import working_folder


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with working_folder(tmp_path / "checkpoint") as written:
        (written / "file").touch()
        assert not (tmp_path / "checkpoint").exists()
        written.rename(tmp_path / "checkpoint")
    assert [path.name for path in tmp_path.rglob("*")] == ["checkpoint", "file"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), working_folder(tmp_path / "checkpoint"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_goes_at_the_next_start_and_what_is_being_written_stays(
    tmp_path: Path,
) -> None:
    killed = tmp_path / ".checkpoint-abc" / "checkpoint"
    killed.mkdir(parents=True)
    (killed / "model.safetensors").touch()
    with working_folder(tmp_path / "checkpoint") as held:
        check_output(tmp_path / "checkpoint")
        assert list(tmp_path.iterdir()) == [held.parent]
