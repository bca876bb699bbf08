"""A staged checkpoint is a copy of what its manifest describes, or there is none."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laserve.checkpoint import listing
from laserve.checkpoint.roots import locate
from laserve.checkpoint.safetensors_header import read_header
from laserve.checkpoint.staging import StagedCheckpoint, Staging
from laserve.core.checkpoint_files import hash_files
from laserve.core.manifest import read_manifest
from laserve.errors import CheckpointRejected, ConfigurationError
from tests.tiny_checkpoints.change import rehash

Stager = Callable[[Path], StagedCheckpoint]


def test_what_is_staged_is_the_folder_without_its_hidden_files(
    candidate: Path, stage: Stager
) -> None:
    (candidate / ".lock").touch()
    staged = stage(candidate)
    assert hash_files(staged.path) == hash_files(candidate)
    assert read_manifest(staged.path) == staged.manifest == read_manifest(candidate)
    assert not (staged.path / ".lock").exists()
    assert (staged.name, staged.source, staged.is_adapter) == ("tiny-v1", candidate, False)


def test_files_in_subfolders_and_links_inside_are_copied_as_files(
    candidate: Path, stage: Stager
) -> None:
    (candidate / "additional_chat_templates").mkdir()
    (candidate / "additional_chat_templates" / "rag.jinja").write_text("{{ messages }}")
    (candidate / "README.md").symlink_to("additional_chat_templates/rag.jinja")
    rehash(candidate)
    path = stage(candidate).path
    assert hash_files(path) == hash_files(candidate)
    assert not (path / "README.md").is_symlink()


def test_each_version_has_a_path_of_its_own_even_after_a_removal(
    candidate: Path, staging: Staging, stage: Stager
) -> None:
    first, second = stage(candidate), stage(candidate)
    staging.remove(second)
    assert len({first.path, second.path, stage(candidate).path}) == 3
    assert first.path.exists()
    assert not second.path.exists()


def test_a_staged_checkpoint_outlives_its_source(candidate: Path, stage: Stager) -> None:
    hashes = hash_files(candidate)
    staged = stage(candidate)
    shutil.rmtree(candidate)
    assert hash_files(staged.path) == hashes


@pytest.mark.parametrize(
    "name", ["with space", "quote'\"", "new\nline", "é✓🙂", "-rf", "a" * 255, "%00", "a;b|c"]
)
def test_a_folder_may_have_any_name(name: str, candidate: Path, stage: Stager) -> None:
    staged = stage(candidate.rename(candidate.with_name(name)))
    assert hash_files(staged.path) == staged.manifest.files


def test_a_root_may_be_named_through_a_link(candidate: Path, staging: Staging) -> None:
    link = candidate.parent.parent / "link"
    link.symlink_to(candidate.parent)
    staging.stage(candidate, [link])
    staging.stage(link / candidate.name, [candidate.parent])


def test_a_source_outside_the_roots_is_rejected_however_it_is_named(
    candidate: Path, staging: Staging, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(candidate)
    # A sibling that only begins like the root.
    beside = shutil.copytree(candidate, tmp_path / "root-2")
    for source in (candidate, root / "link", root / ".." / "candidates" / "next", beside):
        with pytest.raises(CheckpointRejected, match="leads to no folder below the allowed ones"):
            staging.stage(source, [root])
    with pytest.raises(CheckpointRejected, match=r"the allowed ones \(none\)"):
        staging.stage(candidate, [])


def test_a_relative_path_counts_from_the_first_root_that_has_it(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for folder in (roots[0] / "a", roots[1] / "a", roots[1] / "b", tmp_path / "outside"):
        folder.mkdir(parents=True)
    assert locate(Path("a"), roots) == roots[0] / "a"
    assert locate(Path("b"), roots) == roots[1] / "b"
    assert locate(roots[1] / "a", roots) == roots[1] / "a"
    for named, reason in (
        ("c", "is no folder"),
        ("../outside", "leads to no folder below"),
        (tmp_path / "outside", "leads to no folder below"),
        (roots[0] / "c", "is no folder"),
        ("a\0", "is no path"),
    ):
        with pytest.raises(CheckpointRejected, match=reason):
            locate(Path(named), roots)
    with pytest.raises(CheckpointRejected, match="no folder is allowed"):
        locate(Path("a"), [])


FORTY_GIB = 40 * 2**30


@pytest.mark.parametrize("fits_its_head", [False, True])
def test_a_file_of_nothing_is_not_copied_before_its_head_is_read(
    candidate: Path, staging: Staging, fits_its_head: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(*_: object) -> None:
        raise AssertionError("it was copied")

    monkeypatch.setattr("laserve.checkpoint.staging._copy", copy)
    weights = candidate / "model.safetensors"
    served = read_header(candidate, weights.name)
    if fits_its_head:
        name = next(iter(served))
        entry = {"dtype": "U8", "shape": [FORTY_GIB], "data_offsets": [0, FORTY_GIB]}
        head = json.dumps({name: entry}).encode()
        weights.write_bytes(len(head).to_bytes(8, "little") + head)
        os.truncate(weights, 8 + len(head) + FORTY_GIB)
        reason = "missing tensors|of another type or shape"
    else:
        os.truncate(weights, FORTY_GIB)
        reason = "longer than its tensors"
    with pytest.raises(CheckpointRejected, match=reason):
        staging.stage(candidate, [candidate.parent], served)


def test_whether_a_path_outside_the_roots_exists_is_not_told(
    candidate: Path, staging: Staging, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    reasons = []
    for source in (candidate, candidate.with_name("gone")):
        with pytest.raises(CheckpointRejected) as caught:
            staging.stage(source, [root])
        reasons.append(str(caught.value).replace(source.name, "NAME"))
    assert reasons[0] == reasons[1]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("gone", "gone' is no folder"),
        ("next/config.json", "config.json' is no folder"),
        ("a\0b", "is no path"),
        ("\ud800", "is no path"),
        (os.fsdecode(b"\xff"), "is no path"),
    ],
)
def test_a_source_that_is_no_folder_is_rejected(
    source: str, reason: str, candidate: Path, stage: Stager
) -> None:
    with pytest.raises(CheckpointRejected, match=reason) as caught:
        stage(candidate.parent / source)
    str(caught.value).encode()  # fit for JSON


def test_a_file_whose_name_is_not_unicode_is_named_all_the_same(
    candidate: Path, stage: Stager
) -> None:
    (candidate / os.fsdecode(b"\xff.txt")).touch()
    with pytest.raises(CheckpointRejected, match=r"does not list: '\\udcff.txt'") as caught:
        stage(candidate)
    str(caught.value).encode()


def test_a_folder_with_too_many_entries_is_rejected(
    candidate: Path, stage: Stager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 5)
    with pytest.raises(CheckpointRejected, match="more than 5 files"):
        stage(candidate)


def test_a_disk_that_is_too_small_is_noticed_before_the_copy(
    candidate: Path, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(path.stat().st_size for path in candidate.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=size - 1))
    with pytest.raises(CheckpointRejected, match=r"it takes 0\.5 MiB and .* has 0\.5: "):
        staging.stage(candidate, [candidate.parent])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=size))
    staging.stage(candidate, [candidate.parent])


def test_no_one_else_may_look_into_the_folder_and_it_is_the_servers_own(tmp_path: Path) -> None:
    parent = tmp_path / "new" / "parent"
    first, second = Staging(parent), Staging(parent)
    assert first.folder.parent == second.folder.parent == parent
    assert first.folder != second.folder
    assert first.folder.stat().st_mode & 0o077 == 0
    first.close()
    assert second.folder.exists()
    second.close()
    assert list(parent.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="Give another one: --checkpoint-staging DIR"):
        Staging(tmp_path / "file" / "staging")


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_changed_byte_of_any_file_is_found(data: st.DataObject, candidate: Path) -> None:
    files = sorted(path for path in candidate.iterdir() if path.name != "laserve.json")
    path = data.draw(st.sampled_from(files))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    flip = data.draw(st.integers(1, 255))
    path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
    staging = Staging()
    try:
        with pytest.raises(CheckpointRejected, match=f"'{path.name}' has not the sha256"):
            staging.stage(candidate, [candidate])
    finally:
        staging.close()
        path.write_bytes(content)


KILLED_SERVER = """
import os, signal, sys
from pathlib import Path
from laserve.checkpoint.staging import Staging
staging = Staging(Path(sys.argv[1]))
(staging.folder / "000001").mkdir()
(staging.folder / "000001" / "model.safetensors").write_bytes(b"weights")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_server_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_SERVER, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "000001" / "model.safetensors").exists()
    staging = Staging(tmp_path)
    assert list(tmp_path.iterdir()) == [staging.folder]


def test_what_a_running_server_has_staged_and_other_files_are_left_alone(
    tmp_path: Path, candidate: Path
) -> None:
    parent = tmp_path / "staging"
    parent.mkdir()
    others = [parent / "laserve-checkpoints-file", parent / "laserve-checkpoints-link"]
    others[0].write_text("not a folder")
    others[1].symlink_to(candidate)
    first = Staging(parent)
    staged = first.stage(candidate, [candidate.parent])
    second = Staging(parent)
    assert set(parent.iterdir()) == {first.folder, second.folder, *others}
    assert hash_files(staged.path) == hash_files(candidate)
    first.close()
    second.close()
    assert set(parent.iterdir()) == set(others)
