"""What the API tells and asks of the checkpoints of a running server."""

from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, Field

from laserve.errors import LaServeError
from laserve.hot_load.jobs import Job, Strategy


class ActiveCheckpoint(BaseModel):
    """The checkpoint that answers, as `GET /v1/checkpoints` shows it."""

    checkpoint: str
    version: int = Field(description="Counts what was made active, from 1.")
    weights: str | None = Field(description="A short hash of its weights.")
    path: str | None = Field(
        description="The folder that it was read from; null for who may not change what is served."
    )
    requests_in_flight: int
    can_roll_back: bool


class NoPredecessorError(LaServeError):
    """Nothing was active before what is active now."""


class Checkpoints(Protocol):
    """Implemented by `laserve.hot_load.load.HotLoader`."""

    @property
    def active(self) -> ActiveCheckpoint:
        """What answers the next request."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Loads, the newest first."""

    def locate(self, named: Path) -> Path:
        """The folder that is named, of which a relative path counts from the roots. Raises
        CheckpointRejected where it is none, or is not allowed. Blocks."""

    def load(self, path: Path, strategy: Strategy, *, force: bool, asked_by: str | None) -> Job:
        """Queue a checkpoint folder. ``force``: in place, end what still runs at the end of the
        patience. Raises QueueFullError."""

    def roll_back(self, *, force: bool, asked_by: str | None) -> Job:
        """Queue a return to what was active before; a second one returns from there.

        Raises NoPredecessorError or QueueFullError.
        """
