"""The watched folder: the newest complete checkpoint is taken, once, and nothing that is half
there."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from laserve.checkpoint.watch import Version, newest_complete, watch
from laserve.core.checkpoint_files import MANIFEST_NAME

NEVER = Path("not-in-the-folder")


def write(folder: Path, *, at: int) -> Path:
    """A checkpoint whose manifest was written `at` so many seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_text("weights")
    (folder / MANIFEST_NAME).write_text("{}")
    os.utime(folder / MANIFEST_NAME, (at, at))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "watched"
    path.mkdir()
    return path


class Watch:
    """A watch at work, which looks again and again without a pause."""

    def __init__(self, folder: Path) -> None:
        self.taken: list[Path] = []
        self.accepting = True
        self.before_look: Callable[[], None] = lambda: None
        self._folder = folder
        self._looks = 0
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    async def start(self, served: Path = NEVER) -> None:
        self._task = asyncio.create_task(watch(self._folder, self._take, served))
        await self.look()

    async def look(self, times: int = 4) -> None:
        """Let it look so many times."""
        goal = self._looks + times
        while self._looks < goal:
            self._news.clear()
            await self._news.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            assert self._task.cancelled()

    def newest_complete(self, folder: Path) -> Version | None:
        """In place of the real one; in a thread."""
        self.before_look()
        newest = newest_complete(folder)
        self._loop.call_soon_threadsafe(self._looked)
        return newest

    def _looked(self) -> None:
        self._looks += 1
        self._news.set()

    def _take(self, path: Path) -> bool:
        self.taken.append(path)
        return self.accepting


@pytest.fixture
async def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    """To be started when the test has prepared the folder."""
    watched = Watch(folder)
    monkeypatch.setattr("laserve.checkpoint.watch.POLL_S", 0.0)
    monkeypatch.setattr("laserve.checkpoint.watch.newest_complete", watched.newest_complete)
    yield watched
    await watched.stop()


def test_the_newest_is_the_one_whose_manifest_was_written_last(folder: Path) -> None:
    write(folder / "b", at=200)
    write(folder / "c", at=100)
    newest = newest_complete(folder)
    assert newest is not None
    assert newest.folder == folder / "b"


def test_hidden_folders_files_and_what_has_no_manifest_are_passed_over(folder: Path) -> None:
    write(folder / "complete", at=100)
    write(folder / ".checkpoint-abc", at=300)
    (write(folder / "half", at=400) / MANIFEST_NAME).unlink()
    (folder / "file").touch()
    (folder / "link").symlink_to(folder / "nowhere")
    newest = newest_complete(folder)
    assert newest is not None
    assert newest.folder == folder / "complete"


def test_an_empty_folder_has_none(folder: Path) -> None:
    assert newest_complete(folder) is None


def test_a_folder_that_cannot_be_listed_is_told_and_has_none(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert newest_complete(folder / "gone") is None
    assert "gone cannot be listed: No such file or directory" in caplog.text


async def test_a_checkpoint_is_taken_once(watched: Watch, folder: Path) -> None:
    write(folder / "first", at=100)
    await watched.start()
    await watched.look()
    assert watched.taken == [folder / "first"]


async def test_one_that_comes_later_is_taken_and_an_older_one_is_not(
    watched: Watch, folder: Path
) -> None:
    await watched.start()
    assert watched.taken == []
    write(folder / "first", at=200)
    await watched.look()
    write(folder / "older", at=100)
    await watched.look()
    write(folder / "second", at=300)
    await watched.look()
    assert watched.taken == [folder / "first", folder / "second"]


async def test_what_is_served_already_is_not_taken(watched: Watch, folder: Path) -> None:
    served = write(folder / "served", at=100)
    link = folder.parent / "link"
    link.symlink_to(served)
    await watched.start(served=link)
    assert watched.taken == []
    write(folder / "next", at=200)
    await watched.look()
    assert watched.taken == [folder / "next"]


async def test_one_that_is_newer_than_what_is_served_is_taken_at_the_start(
    watched: Watch, folder: Path
) -> None:
    served = write(folder / "served", at=100)
    write(folder / "newer", at=200)
    await watched.start(served=served)
    assert watched.taken == [folder / "newer"]


async def test_a_manifest_that_is_written_anew_makes_a_new_version(
    watched: Watch, folder: Path
) -> None:
    """As `laserve-train evaluate` does, with the calibration."""
    served = write(folder / "served", at=100)
    await watched.start(served=served)
    write(served, at=200)
    await watched.look()
    assert watched.taken == [served]


async def test_a_half_written_folder_is_left_alone_until_its_manifest_is_there(
    watched: Watch, folder: Path
) -> None:
    half = folder / "half"
    half.mkdir()
    (half / "model.safetensors").write_text("weights")
    await watched.start()
    assert watched.taken == []
    write(half, at=100)
    await watched.look()
    assert watched.taken == [half]


async def test_a_folder_that_still_changes_is_left_alone(watched: Watch, folder: Path) -> None:
    """A copy in any order: the manifest is there, and the weights grow."""
    copied = write(folder / "copied", at=100)
    left = 10

    def grow() -> None:
        nonlocal left
        assert watched.taken == [] or left == 0
        if left > 0:
            left -= 1
            with (copied / "model.safetensors").open("a") as file:
                file.write("more")

    watched.before_look = grow
    await watched.start()
    assert watched.taken == []
    await watched.look(12)
    assert left == 0
    assert watched.taken == [copied]


async def test_a_copy_that_paused_is_taken_again_when_it_is_whole(
    watched: Watch, folder: Path
) -> None:
    copied = write(folder / "copied", at=100)
    await watched.start()
    assert watched.taken == [copied]  # and rejected, as its weights are not those of its manifest
    (copied / "part").mkdir()
    (copied / "part" / "more.safetensors").write_text("the rest")
    await watched.look()
    assert watched.taken == [copied] * 2


async def test_one_that_was_not_accepted_is_offered_again(watched: Watch, folder: Path) -> None:
    """The queue was full."""
    await watched.start()
    watched.accepting = False
    write(folder / "first", at=100)
    await watched.look(6)
    assert len(watched.taken) > 2
    watched.accepting = True
    await watched.look()
    offered = len(watched.taken)
    await watched.look()
    assert watched.taken == [folder / "first"] * offered


async def test_a_folder_that_goes_and_comes_back_is_watched_on(
    watched: Watch, folder: Path
) -> None:
    await watched.start()
    shutil.rmtree(folder)
    await watched.look()
    write(folder / "first", at=100)
    await watched.look()
    assert watched.taken == [folder / "first"]
