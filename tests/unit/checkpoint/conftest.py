"""A good checkpoint, what is served of it, and a way to stage a copy."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint, Staging
from laserve.core.manifest import read_manifest
from tests.tiny_checkpoints.build import build_checkpoint


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Left as it is: tests change copies."""
    folder = tmp_path_factory.mktemp("served") / "tiny"
    build_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def served(good: Path) -> ServedCheckpoint:
    manifest = read_manifest(good)
    assert manifest is not None
    return ServedCheckpoint.read(good, manifest.parameters(), manifest, max_lora_rank=8)


@pytest.fixture
def candidate(good: Path, tmp_path: Path) -> Path:
    """A copy of the good checkpoint, to be changed."""
    return shutil.copytree(good, tmp_path / "candidates" / "next")


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    opened = Staging(tmp_path / "staging")
    yield opened
    opened.close()


@pytest.fixture
def stage(staging: Staging, tmp_path: Path) -> Callable[[Path], StagedCheckpoint]:
    """Stages a folder below `tmp_path`."""
    return lambda source: staging.stage(source, [tmp_path])
