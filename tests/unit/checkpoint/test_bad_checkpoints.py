"""A bad checkpoint is rejected on disk with the reason that it is bad, and nothing is left of it.

The corpus is `tests/tiny_checkpoints`.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint, Staging
from laserve.checkpoint.verify import verify
from laserve.errors import CheckpointRejected
from tests.tiny_checkpoints.change import rehash
from tests.tiny_checkpoints.corpus import BAD, names
from tests.tiny_checkpoints.harmless import HARMLESS
from tests.tiny_checkpoints.mutation import Stage

Stager = Callable[[Path], StagedCheckpoint]


def test_the_corpus_is_large_enough() -> None:
    assert len(names([Stage.STAGING, Stage.VERIFICATION])) >= 125
    assert len(names([Stage.PROBES])) >= 10


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_strange_is_verified(
    name: str, candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    HARMLESS[name](candidate)
    verify(stage(candidate), served)


@pytest.mark.parametrize("name", names([Stage.STAGING]))
def test_a_damaged_or_dangerous_folder_is_not_staged(
    name: str, candidate: Path, staging: Staging, stage: Stager
) -> None:
    BAD[name](candidate)
    with pytest.raises(CheckpointRejected, match=re.compile(BAD[name].reason, re.DOTALL)):
        stage(candidate)
    assert list(staging.folder.iterdir()) == []


@pytest.mark.parametrize("name", names([Stage.VERIFICATION]))
def test_a_complete_checkpoint_that_does_not_fit_is_not_verified(
    name: str, candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    BAD[name](candidate)
    staged = stage(candidate)
    with pytest.raises(CheckpointRejected, match=re.compile(BAD[name].reason, re.DOTALL)):
        verify(staged, served)


@pytest.mark.parametrize("name", names([Stage.PROBES]))
def test_wrong_numbers_are_left_to_the_golden_probes(
    name: str, candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    BAD[name](candidate)
    verify(stage(candidate), served)


@pytest.mark.parametrize("depth", [100, 400, 800, 950, 990, 2000])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "params.json"])
def test_nesting_that_json_allows_is_no_other_error(
    name: str, depth: int, candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    path = candidate / name
    content = path.read_text().strip() if path.exists() else '{"b": 1}'
    path.write_text(f'{content[:-1]}, "text_config": {nested}}}')
    rehash(candidate)
    staged = stage(candidate)
    with contextlib.suppress(CheckpointRejected):
        verify(staged, served)
