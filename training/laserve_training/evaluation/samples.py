"""Sampled solutions with their verdicts and scores: what every figure is computed from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laserve.core.types import SelfReward
from laserve_training.problem import Problem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled solution."""

    prompt_token_ids: tuple[int, ...]
    completion_token_ids: tuple[int, ...]
    """With its EOS, where it has one."""
    text: str
    """Without the EOS."""
    is_correct: bool
    """The verifier's verdict; False for a truncated one."""
    reward: SelfReward


@dataclass(frozen=True, slots=True)
class SampledProblem:
    """A problem with N solutions, the same N for every problem of an evaluation."""

    problem: Problem
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class SampleTable:
    """The same as arrays: P problems, N samples each."""

    correct_PN: Bools
    scores_PN: Floats
    """Self-reward scores; NaN where there is none."""
    lengths_PN: Floats
    """Tokens of each completion."""
    answers_PN: NDArray[np.str_]
    """The answer that each solution votes for: its extracted answer; "" votes for nothing."""

    @property
    def scored_PN(self) -> Bools:
        """Where there is a score."""
        return ~np.isnan(self.scores_PN)
