"""From samples to every figure of a report."""

from dataclasses import dataclass, replace

import numpy as np
from pydantic import JsonValue

from laserve.core.calibration import Calibration
from laserve.core.score import DEFAULT_THRESHOLD
from laserve_training.evaluation.bootstrap import Bootstrap, Interval
from laserve_training.evaluation.calibration import calibrate
from laserve_training.evaluation.confidences import ConfidenceSettings, Rivals, problem_only
from laserve_training.evaluation.metrics import (
    Figures,
    auroc,
    measure,
    powers_of_two,
    problem_aurocs,
)
from laserve_training.evaluation.samples import Floats, SampleTable
from laserve_training.evaluation.selection import (
    SelectionFigures,
    best_of_n,
    measure_selection,
)

SELF_REWARD = "self_reward"
"""Name of the score among its rivals."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What was evaluated."""

    checkpoint: str
    base_model: str
    task: str
    split: str
    settings: dict[str, JsonValue]
    """How it was sampled: temperature, max_tokens, seed and what else is worth knowing."""


@dataclass(frozen=True, slots=True)
class ConfidenceFigures:
    """What one confidence is worth on the samples that have a score."""

    count: int
    """Samples that it is known for."""
    auroc: Interval
    auroc_within: Interval
    """Within a problem."""
    best_of_n: Interval
    """Accuracy of the sample with the highest confidence, of `Evaluation.best_of`."""
    lead: Interval | None = None
    """By how much the score's AUROC is above this rival's, in the same resamples; None for the
    score itself."""
    lead_within: Interval | None = None
    """The same within a problem."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that `report.json` holds."""

    subject: Subject
    longest_completion: int
    """Tokens."""
    figures: Figures
    calibration: Calibration | None
    selection: tuple[SelectionFigures, ...]
    """By N, rising."""
    best_of: int
    """N of `ConfidenceFigures.best_of_n`."""
    confidences: dict[str, ConfidenceFigures]
    """By name: the score, then its rivals."""
    problem_only_auroc: Interval
    """AUROC over all samples of the oracle of a problem's difficulty."""
    missing: dict[str, str]
    """The rivals that could not be computed, and why."""
    confidence_settings: ConfidenceSettings | None
    """None where no rival was measured."""


def analyse(
    subject: Subject,
    table: SampleTable,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    calibration: Calibration | None = None,
    rivals: Rivals | None = None,
    seed: int = 0,
) -> Evaluation:
    """Every figure with its interval. `seed` draws the resamples.

    Rivals are measured on the samples that have a score, so that all stand on the same ones.
    Raises DataError without a problem.
    """
    bootstrap = Bootstrap(len(table.correct_PN), seed=seed)
    best_of = powers_of_two(table.correct_PN.shape[1])[-1]
    rival_values = {} if rivals is None else rivals.values
    others_PN = problem_only(table.correct_PN)
    return Evaluation(
        subject=subject,
        longest_completion=int(table.lengths_PN.max()),
        figures=measure(
            table,
            bootstrap,
            threshold=threshold,
            calibrated_PN=None if calibration is None else calibrate(calibration, table.scores_PN),
        ),
        calibration=calibration,
        selection=measure_selection(table, bootstrap),
        best_of=best_of,
        confidences={
            SELF_REWARD: _measure_confidence(table, table.scores_PN, best_of, bootstrap),
            **{
                name: _measure_rival(table, values_PN, best_of, bootstrap)
                for name, values_PN in rival_values.items()
            },
        },
        problem_only_auroc=_measure_confidence(table, others_PN, best_of, bootstrap).auroc,
        missing={} if rivals is None else rivals.missing,
        confidence_settings=None if rivals is None else rivals.settings,
    )


def _measure_confidence(
    table: SampleTable, values_PN: Floats, best_of: int, bootstrap: Bootstrap
) -> ConfidenceFigures:
    values_PN = np.where(table.scored_PN, values_PN, np.nan)
    correct_PN = table.correct_PN
    return ConfidenceFigures(
        count=int((~np.isnan(values_PN)).sum()),
        auroc=bootstrap.interval(lambda w: auroc(correct_PN, values_PN, w)),
        auroc_within=bootstrap.mean(problem_aurocs(correct_PN, values_PN)),
        best_of_n=bootstrap.mean(best_of_n(correct_PN, values_PN, best_of)),
    )


def _measure_rival(
    table: SampleTable, values_PN: Floats, best_of: int, bootstrap: Bootstrap
) -> ConfidenceFigures:
    """With the score's lead, on the samples that have both."""
    values_PN = np.where(table.scored_PN, values_PN, np.nan)
    scores_PN = np.where(np.isnan(values_PN), np.nan, table.scores_PN)
    correct_PN = table.correct_PN
    return replace(
        _measure_confidence(table, values_PN, best_of, bootstrap),
        lead=bootstrap.interval(
            lambda w: auroc(correct_PN, scores_PN, w) - auroc(correct_PN, values_PN, w)
        ),
        lead_within=bootstrap.mean(
            problem_aurocs(correct_PN, scores_PN) - problem_aurocs(correct_PN, values_PN)
        ),
    )
