"""A run's folder: which saves of the trainer are whole."""

from pathlib import Path

import pytest

from laserve_training.runs import find_saves


def save(output: Path, step: int, state: bytes | None) -> Path:
    """A save of the trainer; `state` is what its trainer_state.json holds, None for no such."""
    folder = output / "laser" / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    if state is not None:
        (folder / "trainer_state.json").write_bytes(state)
    return folder


def test_saves_come_by_their_step(tmp_path: Path) -> None:
    saves = {step: save(tmp_path, step, b'{"global_step": 9}') for step in (9, 100, 20)}
    (tmp_path / "laser" / "final").mkdir()
    assert list(find_saves(tmp_path).items()) == sorted(saves.items())
    assert find_saves(tmp_path / "none") == {}


@pytest.mark.parametrize("state", [None, b"", b'{"global_step": 20, "log_hist', b'{"log": "\xff"}'])
def test_a_save_that_was_cut_short_is_passed_over(tmp_path: Path, state: bytes | None) -> None:
    complete = save(tmp_path, 10, b'{"global_step": 10}')
    save(tmp_path, 20, state)
    assert find_saves(tmp_path) == {10: complete}
