"""What a load has shown, as three promises that are told apart.

files          the files are those that were written
weights        the weights in the workers are those of the files
computation    the engine computes with them what training computed
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class FilesShown(StrEnum):
    """How the files are known to be those that were written."""

    HASHES = "hashes"
    """They have the hashes that the manifest states. Whoever can write the folder can change
    both."""
    SIGNATURE = "signature"
    """And the manifest is signed with the operator's key."""
    NOTHING = "nothing"
    """They were not looked at."""


class ComputationShown(StrEnum):
    """What of the golden probes was replayed."""

    ROWS = "rows"
    """log p(z_c), and the distribution over the whole vocabulary at several places of each."""
    Z_C = "z_c"
    """log p(z_c) alone: of a manifest of schema 1, or in an engine whose rows cannot be read."""
    NOTHING = "nothing"
    """The manifest has no probes."""


class Weights(BaseModel):
    """Parameters of the model in the workers, compared with the tensors in the files."""

    model_config = ConfigDict(extra="forbid")

    equal: int = Field(default=0, description="Equal, element by element.")
    computed: int = Field(
        default=0, description="Used in a packed form, which multiplies as the file's tensor does."
    )
    uncovered: int = Field(
        default=0,
        description="Not compared: quantised, spread over devices, reordered, or named otherwise.",
    )
    reason: str | None = Field(default=None, description="Why nothing was compared.")


class Computation(BaseModel):
    """The golden probes, replayed."""

    model_config = ConfigDict(extra="forbid")

    shown: ComputationShown
    probes: int = 0
    rows: int = 0
    largest_difference: float = Field(
        default=0.0, description="Of log p(z_c) from training's, nats."
    )
    largest_row_difference: float | None = Field(
        default=None, description="Of a distribution from training's, nats."
    )
    tolerance: float | None = Field(default=None, description="Of both, nats.")
    reason: str | None = Field(default=None, description="Why no more was shown.")


class Proof(BaseModel):
    """The three promises of one load."""

    model_config = ConfigDict(extra="forbid")

    files: FilesShown
    weights: Weights
    computation: Computation

    def __str__(self) -> str:
        weights, computation = self.weights, self.computation
        told = [
            f"files by {self.files.value}",
            f"weights {weights.equal} equal, {weights.computed} computed alike, "
            f"{weights.uncovered} not compared"
            + (f" ({weights.reason})" if weights.reason else ""),
            f"computation by {computation.shown.value} of {computation.probes} golden probes, "
            f"largest differences {computation.largest_difference:.2g} and "
            f"{computation.largest_row_difference or 0.0:.2g} nats"
            + (f" ({computation.reason})" if computation.reason else ""),
        ]
        return "; ".join(told)
