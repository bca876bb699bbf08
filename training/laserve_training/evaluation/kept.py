"""What a checkpoint's manifest keeps of an evaluation: enough to fit a calibration anew, and to see
whether the scores of a server in use have moved away from those that were measured."""

import numpy as np

from laserve.answers.normal_form import normal_form
from laserve.core.judged import CalibrationSample
from laserve_training.evaluation.samples import Floats, SampleTable
from laserve_training.problem import Split

MAX_CALIBRATION_SAMPLES = 10_000
"""A manifest is read at every load: these take some 1.5 MB in it."""
MAX_REFERENCE_SCORES = 1_000
"""A distribution function is known to 0.04 from so many samples (Kolmogorov-Smirnov, at 95 %)."""


def calibration_samples(table: SampleTable) -> tuple[CalibrationSample, ...]:
    """The samples that a calibration is fitted on, those with a score: of the first problems, as
    many as fit whole.

    Problems are named by their number, for a file's path is nobody's business. Answers that vote
    for the same are one group; groups are numbered from 0 in the order of their first sample. An
    empty answer is of none.
    """
    kept: list[CalibrationSample] = []
    for number, (scores, correct, answers) in enumerate(
        zip(table.scores_PN, table.correct_PN, table.answers_PN, strict=True)
    ):
        groups: dict[str, int] = {}
        samples = [
            CalibrationSample(
                problem=f"{Split.CALIBRATION} {number}",
                score=float(score),
                answer_group=groups.setdefault(normal_form(answer), len(groups))
                if answer
                else None,
                correct=bool(is_correct),
            )
            for score, is_correct, answer in zip(scores, correct, answers.tolist(), strict=True)
            if not np.isnan(score)
        ]
        if len(kept) + len(samples) > MAX_CALIBRATION_SAMPLES:
            break
        kept += samples
    return tuple(kept)


def reference_scores(scores_PN: Floats) -> tuple[float, ...]:
    """The scores of an evaluation, rising; of more than can be kept, quantiles at equal distances,
    the smallest and the largest among them."""
    scores = np.sort(scores_PN[~np.isnan(scores_PN)])
    if len(scores) > MAX_REFERENCE_SCORES:
        places = np.linspace(0, len(scores) - 1, MAX_REFERENCE_SCORES).round().astype(int)
        scores = scores[places]
    return tuple(scores.tolist())
