"""A load of a checkpoint, as the API shows it.

    queued -> verifying -> loading -> proving -> active
                 `-----------`----------`------> rejected (reason)

Whatever was active before a job that is rejected still is.
"""

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from laserve.hot_load.promises import Proof


class State(StrEnum):
    """How far a load has got."""

    QUEUED = "queued"
    VERIFYING = "verifying"
    """Copied, hashed and checked on disk."""
    LOADING = "loading"
    PROVING = "proving"
    """Its golden probes are replayed."""
    ACTIVE = "active"
    """It answers requests, or did: a later job took its place."""
    REJECTED = "rejected"
    """It was not taken up; what was served before still is."""


ENDED = frozenset({State.ACTIVE, State.REJECTED})


class Strategy(StrEnum):
    """How a checkpoint's weights get into an engine."""

    AUTO = "auto"
    """Side by side where the free memory holds a second engine, else in place."""
    SIDE_BY_SIDE = "side_by_side"
    IN_PLACE = "in_place"


class Job(BaseModel):
    """One load, as `GET /v1/checkpoints` shows it."""

    model_config = ConfigDict(extra="forbid")

    id: str
    path: str | None = Field(
        description="The folder that was named, or that a rollback goes back to; null for who may "
        "not change what is served."
    )
    strategy: Strategy = Field(description="As asked for: auto, side_by_side, in_place.")
    force: bool = Field(
        default=False,
        description="Whether a load in place ends what still runs at the end of --load-patience.",
    )
    origin: str = Field(description="request, watch, or rollback.")
    state: State = State.QUEUED
    checkpoint: str | None = Field(
        default=None, description="Its name; null until its manifest has been read."
    )
    version: int | None = Field(default=None, description="Counts what was made active.")
    weights: str | None = Field(
        default=None, description="A short hash of its weights; null until they have been read."
    )
    asked_by: str | None = Field(
        default=None,
        description="The id of the key that asked for it; null where none was asked for, and for "
        "who may not change what is served.",
    )
    reason: str | None = Field(default=None, description="Why it was rejected.")
    proof: Proof | None = Field(
        default=None, description="What was shown of it; null until it was proven."
    )
    created_at: datetime
    ended_at: datetime | None = None
    seconds: dict[State, float] = Field(
        default_factory=dict, description="How long each phase took, in seconds."
    )

    _since: float = PrivateAttr(default_factory=time.monotonic)
    _observer: "LoadObserver | None" = PrivateAttr(default=None)

    def report_to(self, observer: "LoadObserver") -> None:
        """Tell of the present state, and of every one to come."""
        self._observer = observer
        observer.entered(self)

    def enter(self, state: State) -> None:
        """Go on to a state."""
        now = time.monotonic()
        left, spent = self.state, now - self._since
        self.seconds[left] = spent
        self.state, self._since = state, now
        if self.has_ended:
            self.ended_at = datetime.now(UTC)
        if self._observer is not None:
            self._observer.left(self, left, spent)
            self._observer.entered(self)

    def reject(self, reason: str) -> None:
        """End it, unless it has ended."""
        if not self.has_ended:
            self.reason = reason
            self.enter(State.REJECTED)

    def for_everybody(self) -> "Job":
        """Without what only administrators see: folders, which the reason may name too."""
        reason = None if self.reason is None else "the server's administrators see why"
        return self.model_copy(update={"path": None, "asked_by": None, "reason": reason})

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED


class LoadObserver(Protocol):
    """Told every step."""

    def entered(self, job: Job) -> None:
        """A job has a new state."""

    def left(self, job: Job, state: State, seconds: float) -> None:
        """A job was in a state for so long."""
