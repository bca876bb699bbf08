"""A server that cannot score honestly does not start, and says what to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser

from laserve.core.manifest import Manifest, ReferenceConstant, write_manifest
from laserve.errors import ConfigurationError, ManifestError
from laserve.launch.access_flags import MAX_QUEUED_SEQUENCES, settle_access_flags
from laserve.launch.serve import (
    CPU_WORKER,
    SCHEDULER,
    argument_parser,
    parse_serve_flags,
    switch_scoring_on,
)
from laserve.worker.config import PROCESSOR_V1
from tests.tiny_model import TinyModel

FLAGS = ("--z-c", "<|vision_start|>", "--c-ref", "-18")


def started(model: Path | str, *flags: str) -> Any:
    """vLLM's arguments as LaServe would start it."""
    args = parse_serve_flags([str(model), "--max-model-len", "512", *flags])
    switch_scoring_on(args)
    return args


@pytest.fixture
def copy(tiny: TinyModel, tmp_path: Path) -> Path:
    """A checkpoint folder to be changed."""
    return Path(shutil.copytree(tiny.path, tmp_path / "copy"))


def manifest(tiny: TinyModel, **changes: Any) -> Manifest:
    """A manifest of the tiny model."""
    content: dict[str, Any] = {
        "checkpoint": "of-the-manifest",
        "z_c": tiny.z_c,
        "z_c_token": "<|vision_start|>",
        "eos_token_ids": tuple(sorted(tiny.eos_token_ids)),
        "c_ref": ReferenceConstant(mean=-17.0, std=1.0, count=10),
        "beta_v": 0.2,
        "base_model": "tiny",
    }
    return Manifest(**(content | changes))


def test_flags_are_enough(tiny: TinyModel) -> None:
    args = started(tiny.path, *FLAGS)
    parameters = args.laserve_parameters
    assert (parameters.z_c, parameters.c_ref, parameters.beta_v) == (tiny.z_c, -18.0, 0.1)
    assert parameters.eos_token_ids == tiny.eos_token_ids
    assert args.logits_processors == [PROCESSOR_V1]
    assert args.worker_cls == CPU_WORKER
    assert args.scheduler_cls == SCHEDULER
    assert args.structured_outputs_config.backend == "xgrammar"


def test_a_manifest_is_enough(copy: Path, tiny: TinyModel) -> None:
    write_manifest(copy, manifest(tiny))
    parameters = started(copy).laserve_parameters
    assert (parameters.c_ref, parameters.beta_v) == (-17.0, 0.2)
    assert parameters.checkpoint == "of-the-manifest"


def test_conversations_are_rendered_as_in_training_but_for_what_the_flag_says(
    copy: Path, tiny: TinyModel
) -> None:
    write_manifest(copy, manifest(tiny, chat_template_kwargs={"brief": True, "level": 2}))
    assert started(copy).default_chat_template_kwargs == {"brief": True, "level": 2}
    args = started(copy, "--default-chat-template-kwargs", '{"level": 3}')
    assert args.default_chat_template_kwargs == {"brief": True, "level": 3}


def test_the_users_additional_config_is_kept(tiny: TinyModel) -> None:
    args = started(tiny.path, *FLAGS, "--additional-config", '{"mine": 1}')
    assert args.additional_config["mine"] == 1
    assert args.additional_config["laserve"]["z_c"] == tiny.z_c


def test_the_users_own_processors_leave_scoring_to_a_second_request(tiny: TinyModel) -> None:
    args = started(tiny.path, *FLAGS, "--logits-processors", "my.module:Processor")
    assert args.logits_processors == ["my.module:Processor"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "laserve measure-ref"),
        (("--z-c", "<|vision_start|>"), "--c-ref"),
        (("--z-c", "65", "--c-ref", "-18"), "ordinary token"),
        (("--z-c", "no such token", "--c-ref", "-18"), "not one token"),
        (("--z-c", "<|im_end|>", "--c-ref", "-18"), "EOS"),
        (("--laserve-preset", "qwen2.5"), "this preset is not for"),
        ((*FLAGS, "--logprobs-mode", "processed_logprobs"), "raw_logprobs"),
        ((*FLAGS, "--skip-tokenizer-init"), "--skip-tokenizer-init"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_way_out(
    tiny: TinyModel, flags: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        started(tiny.path, *flags)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"a"', "not a valid JSON file"),
        ('{"model_type": "no-such-type"}', "no-such-type"),
        (None, "config.json"),
    ],
)
def test_a_folder_without_a_model_is_refused(
    tmp_path: Path, config: str | None, message: str
) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ConfigurationError, match=message):
        started(tmp_path, *FLAGS)


@pytest.mark.parametrize("path", ["/nowhere/model", "./nowhere", "~/nowhere"])
def test_a_folder_that_is_not_there_is_named(path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no {path}: "):
        started(path, *FLAGS)


def test_no_model_is_fetched_that_nobody_named() -> None:
    with pytest.raises(ConfigurationError, match="no model is given: name a checkpoint's folder"):
        parse_serve_flags(["--enforce-eager"])


def test_another_eos_set_than_the_manifests_is_refused(copy: Path, tiny: TinyModel) -> None:
    write_manifest(copy, manifest(tiny, eos_token_ids=(tiny.primary_eos,)))
    with pytest.raises(ConfigurationError, match="eos_token_ids"):
        started(copy)


def test_another_tokenizer_than_the_manifests_is_refused(copy: Path, tiny: TinyModel) -> None:
    write_manifest(copy, manifest(tiny, z_c_token="<|image_pad|>"))
    with pytest.raises(ConfigurationError, match="another tokenizer"):
        started(copy)


def test_a_broken_manifest_is_refused(copy: Path, tiny: TinyModel) -> None:
    write_manifest(copy, manifest(tiny))
    path = copy / "laserve.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "red"}))
    with pytest.raises(ManifestError, match="colour"):
        started(copy)


def test_a_preset_beside_a_manifest_is_refused(copy: Path, tiny: TinyModel) -> None:
    write_manifest(copy, manifest(tiny))
    with pytest.raises(ConfigurationError, match="contradict"):
        started(copy, "--laserve-preset", "qwen2.5")


def parsed(*flags: str) -> Any:
    """The arguments of a command line."""
    return argument_parser(ServeSubcommand()).parse_args(["serve", "model", *flags])


@pytest.mark.parametrize(
    ("group", "flag"),
    [
        ("Score", "--z-c"),
        ("Selection", "--answer-plugin"),
        ("Checkpoints", "--checkpoint-root"),
        ("Watch", "--hung-after-s"),
        ("Access", "--api-key-file"),
    ],
)
def test_one_word_opens_the_help_of_a_group(
    group: str, flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FlexibleArgumentParser, "_search_keyword", None)
    with pytest.raises(SystemExit):
        parse_serve_flags([f"--help={group}"])
    told = capsys.readouterr().out
    assert flag in told
    assert "--tensor-parallel-size" not in told


def test_a_key_may_be_given_as_often_as_there_are_keys() -> None:
    assert parsed("--api-key", "a", "--api-key", "b", "c").api_key == ["a", "b", "c"]
    assert parsed().api_key is None


def test_what_a_server_queues_is_bounded_unless_its_flag_says_otherwise() -> None:
    for flags, expected in (((), MAX_QUEUED_SEQUENCES), (("--max-num-queued-reqs", "7"), 7)):
        args = parsed(*flags)
        settle_access_flags(args)
        assert args.max_num_queued_reqs == expected


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--header-timeout-s", "0"), "--header-timeout-s 0"),
        (("--body-timeout-s", "nan"), "--body-timeout-s nan"),
        (("--api-key-file", "/no-such-file"), "/no-such-file cannot be read"),
    ],
)
def test_access_flags_that_cannot_work_are_refused(flags: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        settle_access_flags(parsed(*flags))
