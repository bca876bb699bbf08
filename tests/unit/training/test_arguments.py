"""What `[laser.trainer]` and `[sft.trainer]` may say: one line for what a trainer would end in a
traceback for, or take without an effect."""

from pathlib import Path
from typing import Any

import pytest
from trl import SFTConfig

from laserve.errors import ConfigurationError
from laserve_training.arguments import build_arguments, trainer_arguments
from laserve_training.commands.held_out import evaluation_arguments
from laserve_training.config import EvaluationTable
from laserve_training.laser.config import LaSeRConfig
from laserve_training.surroundings import check_surroundings


def taken(known: type[Any] = LaSeRConfig, **given: Any) -> dict[str, Any]:
    return trainer_arguments("laser.trainer", given, known, {}, {})


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("max_steps", "3", "valid integer"),
        ("max_steps", 0, "0 steps train nothing"),
        ("per_device_train_batch_size", "8", "valid integer"),
        ("generation_kwargs", 3, "should be an object"),
        ("learning_rate", "fast", "valid number"),
        ("learning_rate", 0, "greater than 0"),
        ("num_train_epochs", 0, "greater than 0"),
        ("temperature", 0, "greater than 0"),
        ("top_p", 2, "less than or equal to 1"),
        ("save_steps", 0, "greater than 0"),
        ("gradient_accumulation_steps", 0, "greater than or equal to 1"),
        ("loss_type", "foo", "'dapo'"),
        ("scale_rewards", "foo", "'batch'"),
        ("importance_sampling_level", "foo", "'token' or 'sequence'"),
        ("vllm_mode", "colocate", "no effect without `laser.trainer.use_vllm`"),
        ("hub_model_id", "mine", "no effect without `laser.trainer.push_to_hub`"),
        ("trackio_space_id", "mine", "no effect without trackio"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_key(key: str, value: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        taken(**{key: value})
    assert str(refused.value).startswith(f"`laser.trainer.{key}`")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_each_argument_has_its_own_types() -> None:
    given: dict[str, Any] = {
        "loss_type": "dr_grpo",
        "scale_rewards": False,
        "learning_rate": 1,
        "max_steps": -1,
        "optim": "adamw_torch",
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr": 1e-7},
        "report_to": ["tensorboard"],
        "save_total_limit": 2,
        "save_strategy": "epoch",
        "use_vllm": True,
        "vllm_mode": "colocate",
    }
    assert taken(**given) == given
    assert taken(SFTConfig, loss_type="dft", packing=True)
    with pytest.raises(ConfigurationError, match="'nll' or 'dft'"):
        taken(SFTConfig, loss_type="grpo")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"optim": "adamw_bnb_8bit"}, "`laser.trainer.optim`: You need to install `bitsandbytes`"),
        ({"use_liger_kernel": True}, "liger-kernel is not installed"),
        (
            {"lr_scheduler_type": "cosine_with_min_lr"},
            "`laser.trainer.lr_scheduler_type`: .*min_lr",
        ),
        ({"lr_scheduler_kwargs": {"mine": 1}}, "`laser.trainer.lr_scheduler_type`: .*'mine'"),
    ],
)
def test_what_the_trainer_would_miss_is_told_before(
    arguments: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    own = {"output_dir": str(tmp_path), "z_c": 0, "c_ref": -20.0, "use_cpu": True, "report_to": []}
    args = build_arguments("laser.trainer", LaSeRConfig, {**own, "bf16": False, **arguments})
    with pytest.raises(ConfigurationError, match=reason):
        check_surroundings("laser.trainer", args)


def test_an_order_within_a_problem_needs_several_solutions() -> None:
    given: dict[str, Any] = {"eval_steps": 2, "metric_for_best_model": "auroc_within_problem"}
    assert evaluation_arguments(EvaluationTable(), given)
    with pytest.raises(ConfigurationError, match="num_generations_eval above 1"):
        evaluation_arguments(EvaluationTable(), {**given, "num_generations_eval": 1})
