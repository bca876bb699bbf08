"""Evaluation while a model trains: whose solutions count, their figures, and what is refused."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter
from transformers.integrations.integration_utils import TensorBoardCallback

from laserve.errors import ConfigurationError
from laserve_training.commands.held_out import early_stopping, evaluation_arguments, tell_kept
from laserve_training.config import EvaluationTable
from laserve_training.evaluation.held_out import FIGURES, HeldOutReport, held_out_figures
from laserve_training.laser.held_out import HeldOutSolutions, ShownSolution

NAN = math.nan
ROWS = [
    *((7, True, 0.9), (7, False, 0.2), (7, True, 0.4), (7, False, 0.6)),
    *((9, False, 0.7), (9, False, NAN), (9, False, 0.1), (9, True, 0.8)),
]
"""Number of the problem, verdict, score."""


def solutions(*rows: tuple[int, bool, float]) -> HeldOutSolutions:
    held_out = HeldOutSolutions(group_size=4)
    held_out.add(rows)
    return held_out


def test_what_fills_the_last_batch_of_the_processes_does_not_count() -> None:
    filled = solutions(*ROWS, *((7, False, 0.0),) * 4)
    assert filled.correct_PN.tolist() == solutions(*ROWS).correct_PN.tolist()
    np.testing.assert_equal(filled.scores_PN, solutions(*ROWS).scores_PN)
    # A problem of which the last solutions were left out.
    assert solutions(*ROWS, (3, True, 1.0)).correct_PN.shape == (2, 4)


def test_the_figures_are_those_of_a_report() -> None:
    figures = held_out_figures(solutions(*ROWS))
    assert tuple(figures) == FIGURES
    scored = [(correct, score) for _, correct, score in ROWS if score == score]
    correct, scores = (list(column) for column in zip(*scored, strict=True))
    assert figures["accuracy"] == 3 / 8
    assert figures["auroc"] == pytest.approx(roc_auc_score(correct, scores))
    # Pairs of a correct and an incorrect one: 3 of 4 in order, 2 of 2.
    assert figures["auroc_within_problem"] == pytest.approx((3 / 4 + 2 / 2) / 2)
    # Above 0.5: 2 of 3 correct ones, and 2 of 4 incorrect ones below.
    assert figures["f1"] == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))


def test_a_figure_that_is_undefined_is_not_a_number() -> None:
    figures = held_out_figures(solutions(*((1, True, 0.5),) * 4))
    assert figures["accuracy"] == 1.0
    assert all(math.isnan(figures[name]) for name in FIGURES[1:])


def test_tensorboard_gets_distributions_and_solutions(tmp_path: Path) -> None:
    held_out = solutions(*ROWS)
    held_out.shown.append(ShownSolution("1 + 2?", "three", is_correct=True, score=0.9))
    writer = TensorBoardCallback(tb_writer=SummaryWriter(str(tmp_path)))
    callbacks = SimpleNamespace(callbacks=[writer])
    trainer: Any = SimpleNamespace(held_out=held_out, callback_handler=callbacks)
    at_step: Any = SimpleNamespace(is_world_process_zero=True, global_step=3)
    nothing: Any = None
    HeldOutReport(trainer).on_evaluate(nothing, at_step, nothing)
    events = EventAccumulator(str(tmp_path)).Reload()
    histogram = events.Histograms("eval/score_correct")[0]
    assert (histogram.step, histogram.histogram_value.num) == (3, 3)
    text = events.Tensors("eval/completions/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "three" in text
    assert "correct, score 0.900" in text


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "set laser.trainer.eval_steps"),
        ({"eval_strategy": "no"}, "set laser.trainer.eval_steps"),
        ({"eval_steps": 5, "metric_for_best_model": "f2"}, "f2 is none of accuracy, f1, auroc"),
        ({"eval_steps": 5, "load_best_model_at_end": True}, "say what is best"),
        ({"eval_steps": 5, "save_strategy": "best"}, "say what is best"),
    ],
)
def test_an_evaluation_that_says_too_little_is_refused(given: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        evaluation_arguments(EvaluationTable(problems=4), given)


def test_stopping_early_needs_to_know_what_is_best() -> None:
    table = EvaluationTable(problems=4, early_stopping_patience=2)
    with pytest.raises(ConfigurationError, match="say what is best"):
        evaluation_arguments(table, {"eval_steps": 5})
    given = {"eval_strategy": "epoch", "metric_for_best_model": "eval_auroc"}
    assert evaluation_arguments(table, given)["eval_strategy"] == "epoch"
    (stopping,) = early_stopping(table)
    assert vars(stopping)["early_stopping_patience"] == 2
    assert early_stopping(EvaluationTable()) == early_stopping(None) == []


def test_the_model_that_is_kept_is_told() -> None:
    args: Any = SimpleNamespace(metric_for_best_model="auroc", load_best_model_at_end=True)
    state: Any = SimpleNamespace(
        best_model_checkpoint="checkpoint-4", best_global_step=4, best_metric=0.75, global_step=8
    )
    assert tell_kept(args, state) == "the model is that of step 4, the best by auroc (0.7500)"
    state.best_model_checkpoint = None
    assert "auroc was defined in no evaluation" in tell_kept(args, state)
    args.load_best_model_at_end = False
    assert tell_kept(args, state) == "the model is that of the last step, 8"
