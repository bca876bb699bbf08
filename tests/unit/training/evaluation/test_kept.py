"""What a manifest keeps of an evaluation, and no more than it has room for."""

import numpy as np
import pytest

from laserve.core.manifest import MAX_MANIFEST_BYTES
from laserve.core.types import Method, SelfReward, Status
from laserve_training.evaluation.calibration import fit_calibration
from laserve_training.evaluation.kept import (
    MAX_CALIBRATION_SAMPLES,
    MAX_REFERENCE_SCORES,
    calibration_samples,
    reference_scores,
)
from laserve_training.evaluation.samples import Sample, SampledProblem, SampleTable
from laserve_training.evaluation.sampling import answers_are_boxed, tabulate
from laserve_training.problem import Problem

NAN = float("nan")
SCORED = SelfReward(
    score=0.3, logprob=-9.5, status=Status.SCORED, method=Method.IN_FLIGHT, checkpoint="c"
)


def table(
    correct: list[list[bool]], scores: list[list[float]], answers: list[list[str]]
) -> SampleTable:
    return SampleTable(
        correct_PN=np.array(correct),
        scores_PN=np.array(scores),
        lengths_PN=np.ones_like(scores),
        answers_PN=np.array(answers),
    )


def test_scored_samples_are_kept_with_problem_score_group_and_verdict() -> None:
    kept = calibration_samples(
        table(
            [[True, False, True], [False, False, False]],
            [[0.9, 0.1, 0.8], [NAN, 0.2, -1.5]],
            [["7", "8", "$7$"], ["", "3", ""]],
        )
    )
    assert [(one.problem, one.score, one.answer_group, one.correct) for one in kept] == [
        ("calibration 0", 0.9, 0, True),
        ("calibration 0", 0.1, 1, False),
        ("calibration 0", 0.8, 0, True),
        ("calibration 1", 0.2, 0, False),
        ("calibration 1", -1.5, None, False),
    ]


def test_where_answers_are_boxed_one_without_a_box_votes_for_nothing() -> None:
    problems = [
        SampledProblem(
            Problem("line 1", (), answer="7"),
            tuple(Sample((1,), (2,), text, True, SCORED) for text in texts),
        )
        for texts in ((r"so \boxed{7}", "so 7"), (r"\boxed{\boxed{8}}", r"\boxed{"))
    ]
    assert answers_are_boxed(problems)
    assert tabulate(problems, boxed_only=True).answers_PN.tolist() == [["7", ""], ["8", ""]]
    assert tabulate(problems).answers_PN.tolist() == [["7", "so 7"], ["8", r"\boxed{"]]


def test_the_calibration_can_be_fitted_anew_on_what_is_kept() -> None:
    rng = np.random.default_rng(0)
    correct = rng.random((20, 4)) < 0.5
    scores = correct + rng.normal(0, 0.5, correct.shape)
    kept = calibration_samples(table(correct.tolist(), scores.tolist(), [["a"] * 4] * 20))
    again = fit_calibration(
        np.array([one.correct for one in kept]).reshape(20, 4),
        np.array([one.score for one in kept]).reshape(20, 4),
        kind="isotonic",
        fitted_on="it",
    )
    assert again == fit_calibration(correct, scores, kind="isotonic", fitted_on="it")


def test_a_large_evaluation_takes_a_small_part_of_a_manifest() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (400, 32))
    large = table(
        (scores > 0).tolist(),
        scores.tolist(),
        rng.integers(0, 9, scores.shape).astype(str).tolist(),
    )
    kept = calibration_samples(large)
    assert len(kept) == MAX_CALIBRATION_SAMPLES // 32 * 32
    size = sum(len(one.model_dump_json(indent=2)) + 20 for one in kept)
    assert size < MAX_MANIFEST_BYTES / 8

    distribution = reference_scores(scores)
    assert len(distribution) == MAX_REFERENCE_SCORES
    assert (distribution[0], distribution[-1]) == (scores.min(), scores.max())
    levels = np.linspace(0, 1, 11)
    assert np.quantile(distribution, levels) == pytest.approx(np.quantile(scores, levels), abs=0.02)


def test_few_scores_are_kept_as_they_are() -> None:
    assert reference_scores(np.array([[0.5, NAN], [-1.0, 0.25]])) == (-1.0, 0.25, 0.5)
