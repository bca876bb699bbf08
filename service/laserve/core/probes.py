"""Golden probes: completions with what training computed of them, to prove a load with."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from laserve.core.score import self_reward_score

GOLDEN_PROBES = 8
"""Completions that a manifest keeps."""
MAX_PROBES = 64
MAX_ROWS = 16
"""Of one probe."""
MAX_PROBE_TOKENS = 1 << 16
"""Of all probes of a manifest, each counted once for itself and once for each of its rows: while
they are replayed everyone waits, where a checkpoint is loaded in place."""

TokenId = Annotated[int, Field(ge=0)]
LogProb = Annotated[float, Field(le=0.0)]
"""Nats."""


class Part(BaseModel):
    """A part of the manifest: unknown keys are refused, and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _whole_floats(text: str) -> str:
    try:
        size = len(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError(f"is not base64: {error}") from error
    if not size or size % 4:
        raise ValueError(f"has {size} bytes, which is no array of float32")
    return text


class ProbeRow(Part):
    """The distribution at one place of a probe."""

    position: Annotated[int, Field(ge=1)]
    """How many of the probe's tokens (prompt and completion) come before the one that it is of."""
    vocab_size: Annotated[int, Field(ge=1)]
    top_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    """The most probable tokens, the first one first."""
    top_logprobs: tuple[LogProb, ...] = Field(min_length=1)
    sketch: Annotated[str, AfterValidator(_whole_floats)]
    """Count sketch of the whole row (`laserve.worker.row_sketch`), in base64."""


class GoldenProbe(Part):
    """One completion with what Hugging Face's forward pass gives for it."""

    prompt_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    completion_token_ids: tuple[TokenId, ...] = Field(min_length=1)
    """Ends with its EOS."""
    logprob: LogProb
    """log pi_theta(z_c | x, y) of this checkpoint."""
    score: float | None = None
    """beta_v * (logprob - c_ref) with the constants that training used: it shows constants that
    were changed afterwards. None only in schema 1, where it need not be stated."""
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    """What it was computed in; None only in schema 1."""
    rows: Annotated[tuple[ProbeRow, ...], Field(max_length=MAX_ROWS)] = ()
    """Distributions at several places of the completion; empty only in schema 1."""

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Prompt and completion."""
        return (*self.prompt_token_ids, *self.completion_token_ids)

    @property
    def replayed_tokens(self) -> int:
        """Tokens that an engine is given to replay it."""
        return len(self.token_ids) + sum(row.position for row in self.rows)

    def scored(self, c_ref: float, beta_v: float) -> "GoldenProbe":
        """The probe with its score, for `c_ref` in nats."""
        return self.model_copy(update={"score": self_reward_score(self.logprob, c_ref, beta_v)})


def choose_probes(completions: Sequence[GoldenProbe]) -> tuple[GoldenProbe, ...]:
    """The first `GOLDEN_PROBES` of those that have rows and keep a manifest below its limits."""
    chosen: list[GoldenProbe] = []
    room = MAX_PROBE_TOKENS
    for probe in completions:
        if len(chosen) < GOLDEN_PROBES and probe.rows and probe.replayed_tokens <= room:
            chosen.append(probe)
            room -= probe.replayed_tokens
    return tuple(chosen)
