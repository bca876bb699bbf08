"""Files that change, a server that ends and a system that fails during the copy of a checkpoint."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from laserve.checkpoint import staging as module
from laserve.checkpoint.staging import Staging
from laserve.core.manifest import read_manifest
from laserve.errors import CheckpointRejected
from tests.tiny_checkpoints.change import WEIGHTS, pipe


def before_chunk(number: int, act: Callable[[], object]) -> Callable[[int, int], bytes]:
    """`os.read` that acts once, before it reads this chunk of a copy."""
    read, chunks = os.read, count(1)

    def call(descriptor: int, size: int) -> bytes:
        if next(chunks) == number:
            act()
        return read(descriptor, size)

    return call


def _rejected_at(
    chunk: int, act: Callable[[], object], reason: str, candidate: Path, staging: Staging
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "read", before_chunk(chunk, act))
        with pytest.raises(CheckpointRejected, match=reason):
            staging.stage(candidate, [candidate.parent])
    assert list(staging.folder.iterdir()) == []


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_a_source_that_is_deleted_during_the_copy_is_rejected(
    chunk: int, candidate: Path, staging: Staging
) -> None:
    _rejected_at(
        chunk,
        lambda: shutil.rmtree(candidate),
        "cannot be read: No such file or directory",
        candidate,
        staging,
    )


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda path: os.truncate(path, 10), "'model.safetensors'.*sha256"),
        (lambda path: path.write_bytes(b"new"), "'model.safetensors'.*sha256"),
        (lambda path: path.unlink(), "'model.safetensors' cannot be read: No such file"),
        (pipe, "'model.safetensors' is a pipe and not a regular file"),
        (
            lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
            "'model.safetensors' cannot be read: Too many levels of symbolic links",
        ),
        (lambda path: (path.unlink(), path.mkdir()), "'model.safetensors' is a folder"),
    ],
    ids=["cut", "overwritten", "deleted", "pipe", "link", "folder"],
)
def test_a_file_that_is_replaced_before_its_turn_is_rejected(
    act: Callable[[Path], object], reason: str, candidate: Path, staging: Staging
) -> None:
    _rejected_at(1, lambda: act(candidate / WEIGHTS), reason, candidate, staging)


@pytest.mark.parametrize("size", [1000, 10**6], ids=["shrinks", "grows"])
def test_a_file_that_changes_its_size_while_it_is_copied_is_rejected(
    size: int, candidate: Path, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 4096)
    _rejected_at(
        # In the midst of the weights, after the small files.
        19,
        lambda: os.truncate(candidate / WEIGHTS, size),
        "'model.safetensors' changed its size during the copy",
        candidate,
        staging,
    )


def test_a_manifest_that_is_replaced_during_the_copy_does_not_matter(
    candidate: Path, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_manifest(candidate)
    replace = before_chunk(1, lambda: (candidate / "laserve.json").write_text("{}"))
    monkeypatch.setattr(os, "read", replace)
    staged = staging.stage(candidate, [candidate.parent])
    assert (candidate / "laserve.json").read_text() == "{}"
    assert read_manifest(staged.path) == staged.manifest == expected


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_closing_cancels_the_copy_in_progress_and_removes_everything(
    chunk: int, candidate: Path, staging: Staging
) -> None:
    staging.stage(candidate, [candidate.parent])
    closing = threading.Thread(target=staging.close)

    def close() -> None:
        closing.start()
        # The thread waits for this copy: only its first step is awaited here.
        while not staging._closed.is_set():
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "read", before_chunk(chunk, close))
        with pytest.raises(CheckpointRejected, match="its copy was cancelled"):
            staging.stage(candidate, [candidate.parent])
    closing.join()
    assert not staging.folder.exists()
    with pytest.raises(CheckpointRejected, match="its copy was cancelled"):
        staging.stage(candidate, [candidate.parent])
    staging.close()


def failing(function: Callable[..., int], code: int, after: int) -> Callable[..., int]:
    """`os.read`, `os.write` or `os.open` that fails once with an errno, after some calls."""
    calls = 0

    def call(*args: object, **kwargs: object) -> int:
        nonlocal calls
        calls += 1
        if calls == after + 1:
            raise OSError(code, os.strerror(code))
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("write", errno.ENOSPC, "cannot be written: No space left on device"),
        ("write", errno.EDQUOT, "cannot be written: Disk quota exceeded"),
        ("read", errno.EIO, "cannot be read: Input/output error"),
        ("read", errno.ESTALE, "cannot be read: Stale file handle"),
        ("open", errno.EACCES, "cannot be (read|written): Permission denied"),
        ("open", errno.EMFILE, "cannot be (read|written): Too many open files"),
    ],
)
@pytest.mark.parametrize("after", [1, 4])
def test_an_error_of_the_system_names_file_and_cause_and_leaves_nothing(
    name: str,
    code: int,
    reason: str,
    after: int,
    candidate: Path,
    staging: Staging,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, name, failing(getattr(os, name), code, after))
        with pytest.raises(CheckpointRejected, match=f"'[a-z_.]+' {reason}"):
            staging.stage(candidate, [candidate.parent])
    assert list(staging.folder.iterdir()) == []


def test_a_real_limit_of_the_system_is_reported_and_leaves_nothing(
    candidate: Path, tmp_path: Path
) -> None:
    program = """
import resource, sys
from pathlib import Path
from laserve.checkpoint.staging import Staging
from laserve.errors import CheckpointRejected

candidate, parent = map(Path, sys.argv[1:])
staging = Staging(parent)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    staging.stage(candidate, [candidate])
except CheckpointRejected as error:
    print(error)
print(list(staging.folder.iterdir()))
"""
    command = [sys.executable, "-c", program, str(candidate), str(tmp_path / "limited")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "'model.safetensors' cannot be written: File too large\n[]\n"
