"""`laserve-train`: a mistake ends with status 2 and one line that names it, before any training."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from laserve.core.manifest import ReferenceConstant, read_manifest
from laserve.reference.hub import reaches_hub
from laserve_training.__main__ import main
from laserve_training.commands import laser
from laserve_training.commands.training_problems import training_problems
from laserve_training.config import load_config
from laserve_training.models import training_tokenizer
from laserve_training.run_record import RunRecord, write_record
from tests.tiny_model import TinyModel, build_tiny_model

COMMANDS = ("sft", "laser", "evaluate", "measure-ref")
QUESTIONS = [f"What is {number} + 1?" for number in range(4)]

Refusal = Callable[..., str]
"""What a refused command says on stderr, on its last line."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """Answers of a few tokens."""
    return build_tiny_model(tmp_path_factory.mktemp("cli") / "tiny", eos_bias=3.0)


@pytest.fixture
def config(tiny: TinyModel, tmp_path: Path) -> Path:
    """A file for the tiny model, complete but for an [sft] table."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f'{{"prompt": "{text}", "answer": 1}}\n' for text in QUESTIONS))
    path = tmp_path / "mine.toml"
    path.write_text(
        f"""
        name = "mine"
        output = "{tmp_path / "run"}"
        verifier = "exact"
        model = {{ path = "{tiny.path}" }}
        task = {{ kind = "file", name = "sums", train = "{rows}" }}
        score = {{ z_c = "<|vision_start|>", c_ref = -14.0 }}
        laser = {{ max_completion_length = 16, reasoning_warmup_steps = 0 }}
        """
    )
    return path


@pytest.fixture
def refusal(config: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    def run(command: str, *arguments: str) -> str:
        assert main([command, "--config", str(config), *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        # Before it stand the bars of models that were loaded.
        line = captured.err.rstrip("\n").splitlines()[-1]
        assert line.startswith(f"laserve-train {command}: ")
        return line

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_how_to_call_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert f"laserve-train {command} --config FILE" in text
    assert "KEY=VALUE overrides" in text


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert listed >= set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["laser"], "--config"),
        (["sft", "--config", "mine.toml", "--resume"], "unrecognized arguments: --resume"),
        (["laser", "--config", "mine.toml", "-v", "seed=1"], "unrecognized arguments: -v"),
    ],
)
def test_a_command_line_of_another_form_ends_with_status_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_not_there_is_refused_in_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.toml"
    assert main([command, "--config", str(path)]) == 2
    expected = f"laserve-train {command}: {path} cannot be read: No such file or directory\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_key_is_refused_by_every_command(command: str, refusal: Refusal) -> None:
    assert "unknown key `laser.alhpa`" in refusal(command, "laser.alhpa=0.5")


def test_an_unknown_key_of_the_trainer_is_refused(refusal: Refusal) -> None:
    assert "unknown key `laser.trainer.lr`" in refusal("laser", "laser.trainer.lr=0.1")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("model_init_kwargs", "{dtype='bfloat16'}", "the model is loaded as [model] says"),
        ("eval_strategy", "steps", "nothing is evaluated while it trains"),
        ("resume_from_checkpoint", "true", "give --resume"),
        ("ignore_data_skip", "true", "begin with its problems anew"),
        ("remove_unused_columns", "true", "the verifier needs the columns"),
        ("dataloader_drop_last", "true", "leave held-out problems out"),
        ("optim", "adamw_bnb_8bit", "You need to install `bitsandbytes`"),
        ("report_to", "['wandb']", "wandb is not installed: `pip install wandb`"),
        ("report_to", "['tensorbord']", "tensorbord is none of"),
        ("deepspeed", "zero3.json", "deepspeed"),
        # The engine that serves is newer than what TRL generates with.
        ("use_vllm", "true", "TRL currently supports vLLM versions"),
    ],
)
def test_laser_refuses_what_it_lacks_or_has_no_use_for_before_the_model_is_loaded(
    key: str, value: str, reason: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laser, "load_for_training", None)
    message = refusal("laser", f"laser.trainer.{key}={value}")
    assert reason in message
    assert "laser.trainer" in message


def test_what_needs_the_hub_is_refused_at_once_where_it_cannot_be_reached(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    reaches_hub.cache_clear()
    message = refusal("laser", "model.path=someone/a-model")
    assert "someone/a-model cannot be loaded: it is no folder and not in the cache" in message
    assert "`laser.trainer.push_to_hub`: the hub cannot be reached" in refusal(
        "laser", "laser.trainer.push_to_hub=true"
    )
    reaches_hub.cache_clear()


def test_overrides_may_stand_between_options(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["laser", "seed=-1", "--resume", "laser.tau=2", "--config", str(config), "name="]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert all(key in message for key in ("`seed`", "`laser.tau`", "`name`"))


def test_sft_without_its_table_is_refused(refusal: Refusal) -> None:
    assert "has no [sft] table" in refusal("sft")


def test_sft_on_rows_without_a_demonstration_names_the_row(refusal: Refusal) -> None:
    message = refusal("sft", "sft={}")
    assert "line 1 of" in message
    assert "`completion`" in message


@pytest.mark.parametrize("command", ["laser", "measure-ref"])
def test_what_comes_after_sft_names_the_command_to_run_first(
    command: str, refusal: Refusal
) -> None:
    assert "run `laserve-train sft` first" in refusal(command, "sft={}")


def test_evaluate_without_a_checkpoint_names_the_command_that_makes_one(refusal: Refusal) -> None:
    message = refusal("evaluate")
    assert "checkpoint has no laserve.json" in message
    assert "`laserve-train laser`" in message


def test_measure_ref_needs_a_folder_for_its_manifest(refusal: Refusal) -> None:
    message = refusal("measure-ref", "model.path=someone/a-model")
    assert "someone/a-model is not a folder" in message
    assert "`laserve measure-ref" in message


def test_measure_ref_ends_with_status_0_and_where_it_wrote(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = build_tiny_model(tmp_path / "own", eos_bias=3.0)
    assert (
        main(
            [
                *("measure-ref", "--config", str(config)),
                *(f"model.path={own.path}", "score.c_ref_samples=4"),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.endswith(f"wrote {own.path}\n")
    manifest = read_manifest(own.path)
    assert manifest is not None
    assert manifest.z_c == own.z_c


def test_laser_leaves_a_checkpoint_alone(refusal: Refusal, tmp_path: Path) -> None:
    kept = tmp_path / "run" / "checkpoint" / "model.safetensors"
    kept.parent.mkdir(parents=True)
    kept.touch()
    for more in ([], ["--resume"]):
        assert f"{kept.parent} exists: remove it" in refusal("laser", *more)
    assert list(kept.parent.iterdir()) == [kept]


def test_laser_asks_before_it_goes_on_with_an_interrupted_run(
    refusal: Refusal, tmp_path: Path
) -> None:
    save = tmp_path / "run" / "laser" / "checkpoint-50"
    save.mkdir(parents=True)
    (save / "trainer_state.json").write_text(json.dumps({"global_step": 50}))
    assert "holds an interrupted run: give --resume" in refusal("laser")


def test_laser_compares_a_trained_model_with_what_is_asked_for(
    refusal: Refusal, config: Path, tmp_path: Path
) -> None:
    work = tmp_path / "run" / "laser"
    (work / "final").mkdir(parents=True)
    begun = RunRecord.of(
        load_config(config),
        [],
        1,
        ReferenceConstant(mean=-14.0, std=0.0, count=0),
        start=None,
        z_c=5,
        eos_token_ids=frozenset({1}),
    )
    write_record(work, begun)
    message = refusal("laser", "--resume", "laser.alpha=0.5")
    assert "`laser.alpha` is 0.5, and was 0.1" in message


@pytest.mark.parametrize(
    ("z_c", "reason"),
    [
        ("verdict", "z_c 'verdict' is not one token"),
        ("<|vision_end|>", "z_c '<|vision_end|>' is not one token"),
        ("a", "is an ordinary token"),
        ('"97"', "is an ordinary token"),
        ('"100000"', "z_c=100000 is no token"),
        ("<|im_end|>", "is an EOS token"),
        ("<|endoftext|>", "is an EOS token"),
    ],
)
def test_laser_refuses_a_z_c_of_no_use_and_names_those_of_use(
    z_c: str, reason: str, refusal: Refusal, tiny: TinyModel
) -> None:
    message = refusal("laser", f"score.z_c={z_c}")
    assert reason in message
    assert f"<|vision_start|> ({tiny.z_c})" in message


def test_laser_does_not_go_on_with_a_run_that_has_no_record(
    refusal: Refusal, tmp_path: Path
) -> None:
    save = tmp_path / "run" / "laser" / "checkpoint-4"
    save.mkdir(parents=True)
    (save / "trainer_state.json").write_text("{}")
    assert "run.json does not say what the run was started with" in refusal("laser", "--resume")


@pytest.mark.parametrize(("c_ref", "beta_v"), [(-14.0, 0.05), (-10.0, 0.1), (-2.5, 0.4)])
def test_laser_refuses_a_score_of_1_that_no_probability_gives(
    c_ref: float, beta_v: float, refusal: Refusal
) -> None:
    message = refusal("laser", f"score.c_ref={c_ref}", f"score.beta_v={beta_v}")
    assert f"score.beta_v={beta_v} is too small for c_ref={c_ref:.2f}" in message
    assert f"Give a score.beta_v above {-1 / c_ref:.3f}" in message


def test_laser_refuses_prompts_that_leave_no_room_for_a_solution(refusal: Refusal) -> None:
    message = refusal("laser", "laser.max_completion_length=2048")
    assert "line 1 of" in message
    assert (
        "the model's context has 2048: shorten it or lower laser.max_completion_length" in message
    )


def test_prompts_above_the_limit_are_left_out_and_counted(
    config: Path, tiny: TinyModel, capsys: pytest.CaptureFixture[str], refusal: Refusal
) -> None:
    with (config.parent / "rows.jsonl").open("a") as rows:
        rows.write(json.dumps({"prompt": "long " * 2000, "answer": 1}) + "\n")
    tokenizer = training_tokenizer(str(tiny.path))
    loaded = load_config(config, ["laser.max_prompt_length=100"])
    kept = training_problems(loaded, tokenizer, None)
    assert [problem.question for problem in kept] == QUESTIONS
    told = capsys.readouterr().err
    assert told == "1 of 5 prompts are longer than 100 tokens, and are left out\n"
    message = refusal("laser", "laser.max_prompt_length=2")
    assert "5 of 5 prompts are longer than 2 tokens: raise laser.max_prompt_length" in message


def test_laser_refuses_a_prompt_that_holds_z_c(refusal: Refusal, tmp_path: Path) -> None:
    with (tmp_path / "rows.jsonl").open("a") as rows:
        rows.write('{"prompt": "Is <|vision_start|> a token?", "answer": "yes"}\n')
    message = refusal("laser")
    assert "line 5 of" in message
    assert "contains z_c" in message


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        # 4 problems, one to a step, 3 times.
        (("reasoning_warmup_steps=12",), "the score would not be trained: the run has 12 steps"),
        (
            ("reasoning_warmup_steps=5", "trainer.max_steps=5"),
            "the score would not be trained: the run has 5 steps",
        ),
        (("alpha=0", "policy_start_step=12"), "nothing would be trained: the run has 12 steps"),
        (
            ("trainer.per_device_train_batch_size=64", "trainer.num_generations=4"),
            "4 problems are fewer than the 16 that solutions are generated for",
        ),
    ],
)
def test_laser_refuses_a_run_that_trains_nothing_before_the_model_is_loaded(
    keys: tuple[str, ...], reason: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laser, "load_for_training", None)
    assert reason in refusal("laser", *(f"laser.{key}" for key in keys))


def test_laser_refuses_too_little_disk_before_the_model_is_loaded(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laser, "load_for_training", None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert "0.00 GB are free" in refusal("laser")


def test_laser_refuses_more_problems_than_there_are(refusal: Refusal) -> None:
    assert "has 4 problems, 5 are asked for" in refusal("laser", "laser.problems=5")


def test_laser_refuses_a_model_that_cannot_be_loaded(refusal: Refusal, tmp_path: Path) -> None:
    assert "cannot be loaded" in refusal("laser", f"model.path={tmp_path / 'none'}")


def test_a_refused_run_leaves_no_file_behind(refusal: Refusal, tmp_path: Path) -> None:
    refusal("laser", "score.beta_v=0.05")
    assert [path for path in (tmp_path / "run").rglob("*") if path.is_file()] == []


def test_compare_prints_a_column_for_each_report(capsys: pytest.CaptureFixture[str]) -> None:
    report = Path(__file__).parents[3] / "demo" / "report" / "report.json"
    assert main(["compare", f"first={report}", f"second={report}"]) == 0
    assert "|  | first | second |" in capsys.readouterr().out


@pytest.mark.parametrize("report", ["report.json", "=report.json", "label="])
def test_compare_refuses_a_report_without_label_or_file(
    report: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", report]) == 2
    assert "LABEL=FILE" in capsys.readouterr().err
