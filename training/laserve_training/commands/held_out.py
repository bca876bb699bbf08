"""What `laserve-train laser` evaluates while it trains: `[laser.evaluation]`."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue
from transformers import EarlyStoppingCallback, TrainerCallback, TrainerState

from laserve.errors import ConfigurationError
from laserve_training.arguments import EVALUATION_KEYS
from laserve_training.config import EvaluationTable
from laserve_training.evaluation.held_out import FIGURES
from laserve_training.laser.config import LaSeRConfig

WITHOUT = dict.fromkeys(
    EVALUATION_KEYS, "nothing is evaluated while it trains: give [laser.evaluation]"
)
"""Why the trainer's keys of evaluation have no effect without the table."""


def evaluation_arguments(
    table: EvaluationTable | None, given: Mapping[str, JsonValue]
) -> dict[str, Any]:
    """The trainer's arguments of evaluation beside those of `[laser.trainer]`, which are `given`.

    Raises ConfigurationError for what does not say when to evaluate, or what is best.
    """
    if table is None:
        return {}
    strategy = given.get("eval_strategy", "steps")
    if strategy == "no" or (strategy == "steps" and "eval_steps" not in given):
        raise ConfigurationError(
            "[laser.evaluation] is given, and not when: set laser.trainer.eval_steps, or "
            "eval_strategy to 'epoch'"
        )
    best = given.get("metric_for_best_model")
    known = ", ".join(FIGURES)
    if best is not None and str(best).removeprefix("eval_") not in FIGURES:
        raise ConfigurationError(
            f"`laser.trainer.metric_for_best_model`: {best} is none of {known}"
        )
    if given.get("num_generations_eval") == 1 and "within_problem" in str(best):
        raise ConfigurationError(
            f"`laser.trainer.metric_for_best_model`: {best} needs several solutions to a problem: "
            "give a laser.trainer.num_generations_eval above 1"
        )
    keeps_best = given.get("load_best_model_at_end") or given.get("save_strategy") == "best"
    if best is None and (keeps_best or table.early_stopping_patience is not None):
        raise ConfigurationError(
            f"say what is best: set laser.trainer.metric_for_best_model to one of {known}"
        )
    # A resumed run counts on where it stopped.
    return {"eval_strategy": strategy, "restore_callback_states_from_checkpoint": True}


def early_stopping(table: EvaluationTable | None) -> list[TrainerCallback]:
    """What ends a run that gets no better, if that is asked for."""
    if table is None or table.early_stopping_patience is None:
        return []
    return [EarlyStoppingCallback(table.early_stopping_patience, table.early_stopping_threshold)]


def tell_kept(args: LaSeRConfig, state: TrainerState) -> str:
    """Which step's model a run has kept, in words."""
    metric = args.metric_for_best_model
    if args.load_best_model_at_end and state.best_model_checkpoint is None:
        return f"{metric} was defined in no evaluation: the model is that of the last step"
    if args.load_best_model_at_end:
        return (
            f"the model is that of step {state.best_global_step}, the best by {metric} "
            f"({state.best_metric:.4f})"
        )
    return f"the model is that of the last step, {state.global_step}"
