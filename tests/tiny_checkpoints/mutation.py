"""One way in which a checkpoint is bad, and what finds it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from laserve.core.checkpoint_files import MANIFEST_NAME
from tests.tiny_checkpoints.change import Change, edit_json, rehash


class Stage(Enum):
    """What finds a defect."""

    STAGING = "staging"
    VERIFICATION = "verification"
    PROBES = "probes"
    """Nothing on disk shows it: only the numbers that the engine computes."""


@dataclass(frozen=True)
class Mutation:
    """Makes a good checkpoint bad in one way."""

    apply: Change
    reason: str
    """Pattern that the reason must have."""
    stage: Stage = Stage.STAGING
    rehash: bool = False
    """Whether the manifest then gets the hashes of the changed files."""

    def __call__(self, folder: Path) -> None:
        self.apply(folder)
        if self.rehash:
            rehash(folder)


def on_disk(apply: Change, reason: str) -> Mutation:
    """A defect with the right hashes."""
    return Mutation(apply, reason, Stage.VERIFICATION, rehash=True)


def stated(apply: Callable[[dict[str, Any]], object], reason: str) -> Mutation:
    """A manifest that is valid and does not belong to what is served."""
    return Mutation(
        lambda folder: edit_json(folder / MANIFEST_NAME, apply), reason, Stage.VERIFICATION
    )


def invalid(apply: Callable[[dict[str, Any]], object], reason: str) -> Mutation:
    """A manifest that is not valid."""
    return Mutation(lambda folder: edit_json(folder / MANIFEST_NAME, apply), reason)
