"""Evaluation while a model trains: the figures of a report, of its solutions so far."""

import numpy as np
from torch.utils.tensorboard import SummaryWriter
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.integrations.integration_utils import TensorBoardCallback, WandbCallback

from laserve_training.evaluation.metrics import auroc, f1, pass_at_k, problem_aurocs
from laserve_training.evaluation.samples import Floats
from laserve_training.laser.held_out import HeldOutSolutions
from laserve_training.laser.trainer import LaSeRTrainer

FIGURES = ("accuracy", "f1", "auroc", "auroc_within_problem")
"""Names of the figures, higher is better, as a checkpoint's manifest has them."""


def held_out_figures(solutions: HeldOutSolutions) -> dict[str, float]:
    """FIGURES, as `evaluation.metrics` defines them; NaN where one is undefined."""
    correct_PN, scores_PN = solutions.correct_PN, solutions.scores_PN
    once_RP = np.ones((1, len(correct_PN)))
    within_P = problem_aurocs(correct_PN, scores_PN)
    defined = within_P[~np.isnan(within_P)]
    return {
        "accuracy": float(pass_at_k(correct_PN, 1).mean()),
        "f1": float(f1(correct_PN, scores_PN, once_RP)[0]),
        "auroc": float(auroc(correct_PN, scores_PN, once_RP)[0]),
        "auroc_within_problem": float(defined.mean()) if defined.size else float("nan"),
    }


class HeldOutReport(TrainerCallback):
    """Hands what is no number on to the reporters that a trainer has: after each evaluation the
    distributions of the scores, and some solutions."""

    def __init__(self, trainer: LaSeRTrainer) -> None:
        self._trainer = trainer

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        """Called by the trainer."""
        if not state.is_world_process_zero:
            return
        for callback in self._trainer.callback_handler.callbacks:
            if isinstance(callback, TensorBoardCallback) and callback.tb_writer is not None:
                _to_tensorboard(callback.tb_writer, self._trainer.held_out, state.global_step)
            elif isinstance(callback, WandbCallback):
                _to_wandb(self._trainer.held_out, state.global_step)


def _scores_by_verdict(solutions: HeldOutSolutions) -> dict[str, Floats]:
    """The scores of the correct and of the incorrect solutions; of the kinds that there are."""
    correct_PN, scores_PN = solutions.correct_PN, solutions.scores_PN
    kinds = {"eval/score_correct": correct_PN, "eval/score_incorrect": ~correct_PN}
    by_kind = {name: scores_PN[of_kind & ~np.isnan(scores_PN)] for name, of_kind in kinds.items()}
    return {name: scores for name, scores in by_kind.items() if scores.size}


def _to_tensorboard(writer: SummaryWriter, solutions: HeldOutSolutions, step: int) -> None:
    for name, scores in _scores_by_verdict(solutions).items():
        writer.add_histogram(name, scores, step)
    texts = [
        f"```\n{shown.prompt}\n```\n\n```\n{shown.completion}\n```\n\n"
        f"{'correct' if shown.is_correct else 'incorrect'}, score {shown.score:.3f}"
        for shown in solutions.shown
    ]
    writer.add_text("eval/completions", "\n\n---\n\n".join(texts), step)
    writer.flush()


def _to_wandb(solutions: HeldOutSolutions, step: int) -> None:
    import wandb

    columns = ["prompt", "completion", "is_correct", "score"]
    rows = [[getattr(shown, column) for column in columns] for shown in solutions.shown]
    histograms = {
        name: wandb.Histogram(scores.tolist())
        for name, scores in _scores_by_verdict(solutions).items()
    }
    table = wandb.Table(columns=columns, data=rows)
    # The step that transformers' own callback plots against.
    wandb.log({**histograms, "eval/completions": table, "train/global_step": step})
