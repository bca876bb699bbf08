"""The configuration file: what is wrong is named."""

from pathlib import Path

import pytest
from trl import SFTConfig

from laserve.errors import ConfigurationError
from laserve_training.arguments import trainer_arguments
from laserve_training.commands.laser import run_laser
from laserve_training.commands.sft import run_sft
from laserve_training.config import (
    Config,
    CountdownTable,
    load_config,
)
from laserve_training.laser.config import LaSeRConfig

MINIMAL = """
name = "mine"
output = "runs/mine"

[model]
path = "a-model"

[task]
kind = "countdown"

[score]
z_c = "<|score|>"
"""


def load(folder: Path, *overrides: str, text: str = MINIMAL) -> Config:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, overrides)


def refusal(folder: Path, *overrides: str, text: str = MINIMAL) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(folder, *overrides, text=text)
    return str(refused.value)


def test_what_is_left_out_has_the_papers_values(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.score.beta_v == 0.1
    assert (config.laser.alpha, config.laser.tau, config.laser.advantage_min_std) == (0.1, 0.1, 0.1)
    assert config.laser.reasoning_warmup_steps == config.laser.self_reward_warmup_steps == 200


@pytest.mark.parametrize(
    "key",
    ["sede", "lasre", "model.paht", "model.lora.rank", "laser.trianer", "evaluate.n"],
)
def test_an_unknown_key_is_refused_by_its_name(tmp_path: Path, key: str) -> None:
    assert f"unknown key `{key}`" in refusal(tmp_path, f"{key}=1")


def test_an_option_of_another_task_is_refused_by_its_name(tmp_path: Path) -> None:
    message = refusal(tmp_path, "task.terms=6")
    assert "unknown key" in message
    assert "terms`" in message


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ('seed="one"', "seed"),
        ("seed=-1", "seed"),
        ("seed=1.5", "seed"),
        ('name=""', "name"),
        ("score.beta_v=0", "score.beta_v"),
        ("score.beta_v=nan", "score.beta_v"),
        ("score.c_ref=1.0", "score.c_ref"),
        ("score.c_ref=guess", "score.c_ref"),
        ("laser.tau=1.1", "laser.tau"),
        ("laser.alpha=inf", "laser.alpha"),
        ("laser.max_completion_length=0", "laser.max_completion_length"),
        ("laser.reference=both", "laser.reference"),
        ("laser.trainer=3", "laser.trainer"),
        ("evaluate.engine_flags=--dtype", "evaluate.engine_flags"),
        ("evaluate.temperature=0", "evaluate.temperature"),
        ("model.dtype=float8", "model.dtype"),
        ("task.kind=chess", "task"),
        ("model=7", "model"),
        ("model.chat_template_kwargs.tokenize=false", "model.chat_template_kwargs"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(tmp_path: Path, override: str, key: str) -> None:
    assert f"`{key}" in refusal(tmp_path, override)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, "seed=-1", "laser.tau=2", "colour=red")
    assert all(key in message for key in ("`seed`", "`laser.tau`", "unknown key `colour`"))


def test_a_missing_table_is_refused_by_its_name(tmp_path: Path) -> None:
    message = refusal(tmp_path, text='name = "mine"\noutput = "runs/mine"')
    assert all(f"`{table}`" in message for table in ("model", "task", "score"))


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["model.scratch.hidden_size=64"], "exactly one of `path` and `scratch`"),
        (["model={}"], "exactly one of `path` and `scratch`"),
        (['task={kind="file", name="mine"}'], "has no verifier of its own: name one"),
        (["model={scratch={}}"], "add an [sft] table"),
        (["model={scratch={}, lora={}}", "sft.examples=10"], "an adapter on a model from scratch"),
    ],
)
def test_a_contradiction_is_refused(tmp_path: Path, overrides: list[str], reason: str) -> None:
    assert reason in refusal(tmp_path, *overrides)


def test_a_file_task_with_a_verifier_and_a_model_from_scratch_with_sft_are_taken(
    tmp_path: Path,
) -> None:
    assert load(tmp_path, 'task={kind="file", name="mine"}', "verifier=exact").verifier == "exact"
    assert load(tmp_path, "model={scratch={}}", "sft.examples=10").model.scratch is not None


def test_an_override_replaces_a_value_of_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, "task.modulus=7", "name=other", "output=runs/the other = one")
    assert config.task == CountdownTable(kind="countdown", modulus=7)
    assert (config.name, config.output) == ("other", Path("runs/the other = one"))


def test_an_override_is_read_as_toml_where_it_is_toml(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "laser.alpha=5e-1",
        'score.z_c="151652"',
        "laser.class_balanced=false",
        'evaluate.engine_flags=["--dtype", "float32"]',
        "laser.trainer.optim=adamw_torch",
    )
    assert config.laser.alpha == 0.5
    assert config.score.z_c == "151652"
    assert config.laser.class_balanced is False
    assert config.evaluate.engine_flags == ("--dtype", "float32")
    assert config.laser.trainer == {"optim": "adamw_torch"}


def test_an_override_makes_the_tables_that_it_needs(tmp_path: Path) -> None:
    config = load(tmp_path, "sft.trainer.max_steps=3", "model.lora.r=4")
    assert config.sft is not None
    assert config.sft.trainer == {"max_steps": 3}
    assert config.model.lora is not None
    assert config.model.lora.r == 4


def test_of_two_overrides_the_later_counts(tmp_path: Path) -> None:
    assert load(tmp_path, "seed=1", "seed=2").seed == 2


@pytest.mark.parametrize("override", ["seed", "=3", ".seed=3", "laser..alpha=1", "laser.=1", ""])
def test_a_malformed_override_is_refused_with_the_right_form(tmp_path: Path, override: str) -> None:
    message = refusal(tmp_path, override)
    assert repr(override) in message
    assert "KEY=VALUE" in message


def test_an_override_below_a_value_is_refused(tmp_path: Path) -> None:
    assert "name is a value" in refusal(tmp_path, "name.first=x")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="none.toml cannot be read: No such file"):
        load_config(tmp_path / "none.toml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


@pytest.mark.parametrize("content", [b"name = mine", b"[model\n", b'name = "\xff"', b"a=1\na=2"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="mine.toml is not TOML"):
        load_config(path)


def test_trainer_arguments_are_fields_of_the_trainers_arguments() -> None:
    given = {"max_steps": 3, "learning_rate": 1e-4}
    assert trainer_arguments("laser.trainer", given, LaSeRConfig, {}, {}) == given
    with pytest.raises(ConfigurationError, match="unknown key `sft.trainer.beta`: SFTConfig has"):
        trainer_arguments("sft.trainer", {"beta": 0.1}, SFTConfig, {}, {})


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("output_dir", "`output`"),
        ("seed", "`seed`"),
        ("bf16", "`model.dtype`"),
        ("fp16", "`model.dtype`"),
        ("chat_template_kwargs", "`model.chat_template_kwargs`"),
        ("z_c", "`score.z_c`"),
        ("c_ref", "`score.c_ref`"),
        ("beta_v", "`score.beta_v`"),
        ("alpha", "`laser.alpha`"),
        ("reference", "`laser.reference`"),
        ("reasoning_warmup_steps", "`laser.reasoning_warmup_steps`"),
        ("max_completion_length", "`laser.max_completion_length`"),
    ],
)
def test_laser_refuses_a_key_that_is_set_elsewhere(tmp_path: Path, key: str, owner: str) -> None:
    config = load(tmp_path, f"output={tmp_path}/run", f"laser.trainer.{key}=1")
    with pytest.raises(ConfigurationError, match=f"`laser.trainer.{key}`: it is set by {owner}"):
        run_laser(config)
    assert not config.output.exists()


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("output_dir", "`output`"),
        ("seed", "`seed`"),
        ("bf16", "`model.dtype`"),
        ("max_length", "the model's context"),
        ("dataset_kwargs", "the sft command"),
    ],
)
def test_sft_refuses_a_key_that_is_set_elsewhere(tmp_path: Path, key: str, owner: str) -> None:
    config = load(tmp_path, f"output={tmp_path}/run", f"sft.trainer.{key}=1")
    with pytest.raises(ConfigurationError, match=f"`sft.trainer.{key}`: it is set by {owner}"):
        run_sft(config)
    assert not config.output.exists()
