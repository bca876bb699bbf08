"""The judged answers that a checkpoint's manifest keeps: what its calibration was fitted on, and
what bounds the risk of answering."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CalibrationSample(_Part):
    """One judged answer that a calibration can be fitted on."""

    problem: Annotated[str, Field(min_length=1, max_length=200)]
    """Tells the problems apart."""
    score: float
    answer_group: Annotated[int, Field(ge=0)] | None
    """The same for samples of a problem that give the same answer; None for one that gives none."""
    correct: bool


class CalibrationSampling(_Part):
    """How the calibration's samples were drawn, with nothing else than this set: top_p 1, no
    penalties, no stop strings."""

    samples: Annotated[int, Field(ge=1)]
    """Of each problem, those without a score included."""
    unscored: Annotated[int, Field(ge=0)]
    """How many of the samples of all problems have no score, and so are not kept: those that
    `max_tokens` cut short."""
    temperature: Annotated[float, Field(gt=0.0)]
    max_tokens: Annotated[int, Field(ge=1)]
    answer: Literal["text", "boxed"]
    """Which answer the groups are of, as a selection names it; two are the same as by its equality
    `string`."""


@dataclass(frozen=True, eq=False, slots=True)
class JudgedSamples:
    """Both. Compared by identity: it is what results are kept by."""

    samples: tuple[CalibrationSample, ...]
    sampling: CalibrationSampling

    @property
    def by_problem(self) -> tuple[tuple[CalibrationSample, ...], ...]:
        """The samples of each problem, in their order."""
        problems: dict[str, list[CalibrationSample]] = {}
        for sample in self.samples:
            problems.setdefault(sample.problem, []).append(sample)
        return tuple(map(tuple, problems.values()))
