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

    def load(self, path: str | Path, strategy: Strategy, *, force: bool = False) -> Job:
        """Queue a checkpoint folder. Raises QueueFullError."""

    def roll_back(self, *, force: bool = False) -> Job:
        """Queue a return to what was active before; a second one returns from there.

        Raises NoPredecessorError or QueueFullError.
        """
