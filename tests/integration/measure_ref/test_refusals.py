"""What `laserve measure-ref` refuses, with file, line and reason."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from laserve.core.manifest import read_manifest
from laserve.errors import ConfigurationError, DataError
from laserve.reference.measure import measure_reference
from laserve.reference.rows import Row, read_rows
from tests.integration.measure_ref.command import ANSWERED, data_file, measure_ref
from tests.tiny_model import TinyModel, build_tiny_model


@pytest.mark.parametrize(
    ("z_c", "message"),
    [
        ((), r"name the score token: --z-c TOKEN\. .*<\|vision_start\|> \(259\)"),
        (("--z-c", "<|score|>"), r"'<\|score\|>' is not one token.*<\|vision_start\|> \(259\)"),
        (("--z-c", "65"), "z_c=65 .* is an ordinary token, which the tokenizer can produce"),
        (("--z-c", "a"), "is an ordinary token"),
        (("--z-c", "300"), "z_c=300 is no token of this tokenizer"),
        (("--z-c", "<|im_end|>"), "is an EOS token"),
        (("--z-c", "<|im_start|>"), "line 1 contains z_c=258, which must never occur in text"),
    ],
)
def test_a_z_c_of_no_use_is_refused(
    clean: TinyModel, tmp_path: Path, z_c: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        measure_ref(clean.path, "--data", data_file(tmp_path, *ANSWERED), *z_c)
    assert read_manifest(clean.path) is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "x", "completion": "<|vision_start|>"}, "line 2 contains z_c=259"),
        ({"prompt": "<|vision_start|>"}, "line 2 contains z_c=259"),
        ({"prompt": "x", "completion": "y<|im_end|>"}, "line 2: .* contains an EOS token"),
        ({"prompt": "x" * 3000, "completion": "y"}, "line 2 takes .* context has 2048: shorten"),
        ({"prompt": "x" * 3000}, "line 2 takes .* lower --max-new-tokens"),
        ({"completion": "y"}, "line 2: give exactly one of `prompt` and `messages`"),
        ({"prompt": "x", "messages": [{"role": "user", "content": "x"}]}, "line 2: .*exactly one"),
        ({"prompt": "x", "answer": "y"}, "line 2: unknown key `answer`"),
        ({"prompt": 5}, "line 2: `prompt`: Input should be a valid string"),
        ({"prompt": ""}, "line 2: `prompt`: String should have at least 1 character"),
        ({"prompt": "x", "completion": ""}, "line 2: `completion`"),
        ({"messages": []}, "line 2: `messages`"),
        ({"messages": [{"content": "x"}]}, "line 2: `messages.0.role`: Field required"),
        ({"messages": [{"role": "user"}]}, "line 2: `messages.0.content`: Field required"),
        ({"messages": [{"role": "user", "content": 5}]}, "line 2: `messages.0.content.str`"),
        (
            {"messages": [{"role": "assistant", "content": "x"}]},
            "line 2: the last message is the assistant's: give it as `completion`",
        ),
        ("x", "line 2: Input should be an object"),
    ],
)
def test_a_row_of_no_use_is_refused_with_its_line_and_reason(
    clean: TinyModel, tmp_path: Path, row: object, message: str
) -> None:
    data = data_file(tmp_path, ANSWERED[0], row)
    with pytest.raises(DataError, match=message):
        measure_ref(clean.path, "--data", data, "--z-c", clean.z_c)
    assert read_manifest(clean.path) is None


def test_a_row_that_the_chat_template_refuses_is_named(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    tokenizer.chat_template = "{{ raise_exception('no system message, please') }}"
    with pytest.raises(DataError, match="line 1: the chat template refuses it: no system message"):
        measure_reference(model, tokenizer, {"line 1": Row(prompt="x")}, z_c=tiny.z_c)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no row"),
        (b"\n \n", "has no row"),
        (b'{"prompt": "x"}\n{"prompt": ', "line 2: Invalid JSON"),
        ('{"prompt": "é"}'.encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_data_file_of_no_use_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_rows(path)


def test_lines_are_counted_with_blank_ones_and_end_at_newlines_only(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"prompt": "a\u2028b"}\r\n\n{"prompt": "c"}', encoding="utf-8")
    assert {where: row.prompt for where, row in read_rows(path).items()} == {
        "line 1": "a\u2028b",
        "line 3": "c",
    }


def test_a_missing_data_file_is_refused(tiny: TinyModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file or directory"):
        measure_ref(tiny.path, "--data", tmp_path / "gone", "--z-c", tiny.z_c)


def test_no_completion_with_an_eos_is_refused(tiny: TinyModel, model: PreTrainedModel) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    rows = {"line 1": Row(prompt="x")}
    measured = measure_reference(model, tokenizer, rows, z_c=tiny.z_c, max_new_tokens=1)
    with pytest.raises(DataError, match="none of 1 completions reached an EOS within 1 tokens"):
        _ = measured.c_ref


def test_a_model_that_is_no_folder_needs_an_output(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder.*give --output DIR"):
        measure_ref(tmp_path / "gone", "--data", data_file(tmp_path, *ANSWERED), "--z-c", 1)


def test_a_folder_that_is_no_model_is_refused(tiny: TinyModel, tmp_path: Path) -> None:
    data = data_file(tmp_path, *ANSWERED)
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        measure_ref(tmp_path, "--data", data, "--z-c", 1)
    broken = build_tiny_model(tmp_path / "broken")
    (broken.path / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(ConfigurationError, match="broken cannot be loaded"):
        measure_ref(broken.path, "--data", data, "--z-c", broken.z_c)


def test_a_model_that_yields_no_number_is_refused(tiny: TinyModel) -> None:
    broken = AutoModelForCausalLM.from_pretrained(tiny.path)
    torch.nn.init.constant_(broken.lm_head.weight, torch.nan)
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    rows = {"line 1": Row(prompt="x", completion="y")}
    with pytest.raises(ConfigurationError, match="line 1: log p of z_c=259 is nan"):
        measure_reference(broken, tokenizer, rows, z_c=tiny.z_c)


def test_a_z_c_beyond_the_output_layer_is_refused(tiny: TinyModel, tmp_path: Path) -> None:
    small = AutoModelForCausalLM.from_pretrained(tiny.path)
    small.resize_token_embeddings(tiny.z_c)
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    with pytest.raises(ConfigurationError, match="no row in the model's output layer"):
        measure_reference(small, tokenizer, {"line 1": Row(prompt="x")}, z_c=tiny.z_c)


@pytest.mark.parametrize("beta_v", ["0", "-0.1", "nan", "inf", "x"])
def test_an_impossible_beta_v_is_refused_before_any_work(
    tmp_path: Path, beta_v: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        measure_ref(tmp_path, "--data", tmp_path / "data", "--beta-v", beta_v)
    assert "--beta-v" in capsys.readouterr().err
