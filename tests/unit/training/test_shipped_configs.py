"""The shipped configuration files hold what they must."""

from pathlib import Path

import pytest
from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file
from accelerate.commands.launch import launch_command_parser
from trl import SFTConfig

from laserve.core.presets import PRESETS
from laserve_training.commands.held_out import evaluation_arguments
from laserve_training.config import (
    Config,
    ReasoningGymTable,
    load_config,
)
from laserve_training.laser.config import LaSeRConfig
from laserve_training.models import device_arguments
from laserve_training.problem import Split
from laserve_training.tasks.arithmetic import ArithmeticTask
from laserve_training.tasks.registry import make_task
from laserve_training.verifiers.registry import make_verifier

CONFIGS = Path(__file__).parents[3] / "training" / "configs"
SHIPPED = sorted(CONFIGS.glob("*.toml"))
LAUNCHERS = sorted((CONFIGS / "accelerate").glob("*.yaml"))
GPUS = {"qwen2.5-7b": 8, "orz-7b": 8, "octothinker-3b": 8, "qwen2.5-7b-lora": 2}
"""What the batch of the paper is divided between."""

each_shipped = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
each_of_the_paper = pytest.mark.parametrize("name", GPUS)


def shipped(name: str) -> Config:
    return load_config(CONFIGS / f"{name}.toml")


def laser_arguments(config: Config, folder: Path) -> LaSeRConfig:
    """As the laser command makes them, for a CPU. A key that is given twice is a TypeError."""
    c_ref = config.score.c_ref
    given = dict(config.laser.trainer)
    given |= evaluation_arguments(config.laser.evaluation, given)
    return LaSeRConfig(
        **given,  # type: ignore[arg-type]  # that they fit is what is tested
        **config.laser.arguments,
        **(device_arguments(config.model.dtype) | {"use_cpu": True}),
        output_dir=str(folder),
        seed=config.seed,
        z_c=0,
        c_ref=-20.0 if c_ref == "measure" else c_ref,
        beta_v=config.score.beta_v,
    )


def test_there_are_shipped_files() -> None:
    assert {path.stem for path in SHIPPED} > {*GPUS, "countdown", "sums", "smollm2-135m"}
    assert LAUNCHERS


def test_each_shipped_file_writes_to_an_output_of_its_own() -> None:
    configs = [load_config(path) for path in SHIPPED]
    assert len({config.output for config in configs}) == len({config.name for config in configs})
    assert len({config.output for config in configs}) == len(SHIPPED)


@each_shipped
def test_a_shipped_file_makes_the_trainers_arguments(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    assert laser_arguments(config, tmp_path).alpha == config.laser.alpha
    if config.sft is not None:
        SFTConfig(
            **config.sft.trainer,  # type: ignore[arg-type]  # that they fit is what is tested
            **(device_arguments(config.model.dtype) | {"use_cpu": True}),
            output_dir=str(tmp_path),
            seed=config.seed,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
        )


@each_shipped
def test_a_shipped_generated_task_has_problems_in_every_split(path: Path) -> None:
    config = load_config(path)
    task = make_task(config.task)
    if config.task.kind != "file":
        for split in Split:
            assert len({p.question for p in task.problems(split, 2, config.seed)}) == 2


@each_shipped
def test_a_shipped_file_leaves_room_for_a_whole_answer(path: Path) -> None:
    config = load_config(path)
    assert config.evaluate.max_tokens >= config.laser.max_completion_length
    task = make_task(config.task)
    if isinstance(task, ArithmeticTask):
        # A token for each character, and the EOS.
        longest = max(len(p.completion or "") + 1 for p in task.demonstrations(100, 0, 1.0))
        assert longest <= config.laser.max_completion_length


def test_the_counterpart_differs_from_the_demo_in_its_task_only() -> None:
    demo, counterpart = shipped("countdown"), shipped("sums")
    assert demo.sft is not None
    assert counterpart.sft is not None
    assert counterpart.model == demo.model
    assert counterpart.score == demo.score
    assert counterpart.sft.trainer == demo.sft.trainer
    length = {"max_completion_length": demo.laser.max_completion_length}
    assert counterpart.laser.model_copy(update=length) == demo.laser


def test_the_pretrained_model_trains_its_score_from_the_first_step(tmp_path: Path) -> None:
    for name in ("smollm2-135m", "smollm2-135m-lora"):
        config = shipped(name)
        assert isinstance(config.task, ReasoningGymTable)
        schedule = laser_arguments(config, tmp_path).schedule
        assert schedule.trains_score(0)
        assert schedule.trains_policy(0)


def test_the_run_for_one_gpu_has_an_answer_to_learn_from_for_every_problem() -> None:
    config = shipped("smollm2-135m-gpu")
    task = make_task(config.task)
    verifier = make_verifier(config.verifier, task)
    for problem in task.problems(Split.TRAIN, 40, config.seed):
        assert verifier(problem, problem.completion or "")


@each_of_the_paper
def test_a_step_of_the_papers_has_8_solutions_to_each_of_128_problems(
    name: str, tmp_path: Path
) -> None:
    arguments = laser_arguments(shipped(name), tmp_path)
    micro_batch = arguments.per_device_train_batch_size
    assert micro_batch * arguments.gradient_accumulation_steps * GPUS[name] == 128 * 8
    assert arguments.num_generations == 8
    assert arguments.steps_per_generation == arguments.gradient_accumulation_steps
    assert GPUS[name] % arguments.vllm_tensor_parallel_size == 0


@each_of_the_paper
def test_the_papers_constants_are_those_that_its_checkpoints_are_served_with(name: str) -> None:
    score = shipped(name).score
    preset = PRESETS["octothinker" if name == "octothinker-3b" else "qwen2.5"]
    assert (score.z_c, score.c_ref, score.beta_v) == (
        preset.z_c_token,
        preset.c_ref,
        preset.beta_v,
    )


def test_only_the_reasoner_has_no_reasoning_warmup() -> None:
    without = {name for name in GPUS if shipped(name).laser.reasoning_warmup_steps == 0}
    assert without == {"orz-7b"}
    assert {shipped(name).laser.self_reward_warmup_steps for name in GPUS} == {200}


@pytest.mark.parametrize("path", LAUNCHERS, ids=lambda path: path.stem)
def test_a_launchers_file_holds_what_accelerate_knows(path: Path) -> None:
    launcher = load_config_from_file(str(path))
    assert isinstance(launcher, ClusterConfig)
    assert launcher.num_processes == 8 * launcher.num_machines
    assert launcher.mixed_precision == "bf16"
    # accelerate takes over any key of these two tables, and uses those that are its arguments.
    known = vars(launch_command_parser().parse_args(["script.py"]))
    given = {**(launcher.fsdp_config or {}), **(launcher.deepspeed_config or {})}
    assert given
    assert given.keys() <= known.keys()


def test_a_launcher_takes_the_command_and_the_machines_of_a_cluster() -> None:
    given = launch_command_parser().parse_args(
        [
            *("--config_file", str(LAUNCHERS[0]), "--machine_rank", "1"),
            *("--main_process_ip", "first", "--main_process_port", "29500"),
            *("-m", "laserve_training", "laser", "--config", "mine.toml", "laser.alpha=0.2"),
        ]
    )
    assert given.module
    assert given.training_script == "laserve_training"
    assert given.training_script_args == ["laser", "--config", "mine.toml", "laser.alpha=0.2"]
    assert (given.machine_rank, given.main_process_ip) == (1, "first")
