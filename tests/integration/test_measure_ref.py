"""`laserve measure-ref` on the tiny model, against a forward pass written here."""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from laserve.core.checkpoint_files import hash_chat_template, hash_files
from laserve.core.manifest import Manifest, read_manifest
from laserve.core.parameters import NO_FLAGS, resolve_parameters
from laserve.errors import ConfigurationError, DataError
from laserve.hot_load.probe_rows import compare_rows
from laserve.measure_ref import add_arguments, run
from laserve.reference.measure import ReferenceMeasurement, measure_reference
from laserve.reference.rows import Message, Row, read_rows
from laserve.worker.row_sketch import sketch_row
from tests.checkpoints import as_schema_1, edit_json, update
from tests.tiny_model import CHAT_TEMPLATE, TinyModel, build_tiny_model

PROMPTS = [{"prompt": f"What is {i} + 7?"} for i in range(6)]
ANSWERED = [row | {"completion": f"It is {i + 7}. " * (i + 1)} for i, row in enumerate(PROMPTS)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    # Answers of a few tokens: sampling them is what takes the time.
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny", eos_bias=3.0)


@pytest.fixture
def clean(tiny: TinyModel) -> Iterator[TinyModel]:
    """The tiny model, without a manifest before and after the test."""
    yield tiny
    (tiny.path / "laserve.json").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def model(tiny: TinyModel) -> PreTrainedModel:
    loaded = AutoModelForCausalLM.from_pretrained(tiny.path)
    assert isinstance(loaded, PreTrainedModel)
    return loaded


def data_file(folder: Path, *rows: object) -> Path:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def measure_ref(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


def measured(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def forward(model: PreTrainedModel, ids: list[int], z_c: int) -> float:
    """log p(z_c | ids) by the definition, in float64 from the model's logits."""
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, -1].double()
    return float(logits[z_c] - torch.logsumexp(logits, 0))


def chat(prompt: str) -> str:
    """The tiny model's chat template, spelled out."""
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"


def test_c_ref_of_given_completions_equals_a_plain_forward_pass(
    clean: TinyModel, model: PreTrainedModel, tmp_path: Path
) -> None:
    data = data_file(tmp_path, *ANSWERED)
    assert measure_ref(clean.path, "--data", data, "--z-c", "<|vision_start|>") == 0

    tokenizer = AutoTokenizer.from_pretrained(clean.path)
    expected = []
    for row in ANSWERED:
        text = chat(row["prompt"]) + row["completion"] + "<|im_end|>"
        expected.append(forward(model, tokenizer.encode(text, add_special_tokens=False), clean.z_c))
    c_ref = measured(clean.path).c_ref
    # float32 against float64: the log-softmax of about 10 nats rounds at 1e-6.
    assert c_ref.mean == pytest.approx(statistics.mean(expected), abs=1e-5)
    assert c_ref.std == pytest.approx(statistics.stdev(expected), abs=1e-5)
    assert c_ref.count == len(ANSWERED)


def test_the_manifest_is_complete_and_starts_a_server(clean: TinyModel, tmp_path: Path) -> None:
    data = data_file(tmp_path, *ANSWERED)
    hashes = hash_files(clean.path)
    measure_ref(clean.path, "--data", data, "--z-c", clean.z_c, "--beta-v", 0.2)
    manifest = measured(clean.path)
    assert manifest.checkpoint == manifest.base_model == "tiny"
    assert (manifest.z_c, manifest.z_c_token) == (clean.z_c, "<|vision_start|>")
    assert frozenset(manifest.eos_token_ids) == clean.eos_token_ids
    assert (manifest.beta_v, manifest.threshold) == (0.2, 0.5)
    assert manifest.files == hashes
    assert {"model.safetensors", "tokenizer.json", "config.json"} <= manifest.files.keys()
    assert manifest.chat_template_sha256 == hash_chat_template(CHAT_TEMPLATE)
    assert (manifest.calibration, manifest.evaluation, manifest.training) == (None, None, None)
    parameters = resolve_parameters(manifest, None, NO_FLAGS, "tiny", clean.eos_token_ids)
    assert parameters.c_ref == manifest.c_ref.mean


def test_golden_probes_are_the_first_rows_with_their_log_probability(
    clean: TinyModel, model: PreTrainedModel, tmp_path: Path
) -> None:
    rows = [row | {"completion": f"{i}"} for i, row in enumerate(2 * PROMPTS)]
    measure_ref(clean.path, "--data", data_file(tmp_path, *rows), "--z-c", clean.z_c)
    manifest = measured(clean.path)
    probes = manifest.golden_probes
    tokenizer = AutoTokenizer.from_pretrained(clean.path)
    assert len(probes) == 8
    for row, probe in zip(rows, probes, strict=False):
        assert tokenizer.decode(list(probe.prompt_token_ids)) == chat(row["prompt"])
        assert (
            tokenizer.decode(list(probe.completion_token_ids)) == row["completion"] + "<|im_end|>"
        )
        ids = [*probe.prompt_token_ids, *probe.completion_token_ids]
        assert probe.logprob == pytest.approx(forward(model, ids, clean.z_c), abs=1e-5)
        assert probe.score == pytest.approx(0.1 * (probe.logprob - manifest.c_ref.mean))


def test_probes_have_the_distributions_from_the_first_token_to_where_z_c_is_read(
    clean: TinyModel, model: PreTrainedModel, tmp_path: Path
) -> None:
    data = data_file(tmp_path, *ANSWERED)
    measure_ref(clean.path, "--data", data, "--z-c", clean.z_c)
    manifest = measured(clean.path)
    assert manifest.schema_version == 2
    for probe in manifest.golden_probes:
        assert probe.dtype == "float32"
        positions = [row.position for row in probe.rows]
        assert (positions[0], positions[-1]) == (len(probe.prompt_token_ids), len(probe.token_ids))
        assert positions == sorted(set(positions))
        with torch.no_grad():
            logits = model(torch.tensor([list(probe.token_ids)])).logits[0].double()
        for row in probe.rows:
            expected = logits[row.position - 1].log_softmax(0)
            values, tokens = expected.topk(64)
            assert list(row.top_token_ids) == tokens.tolist()
            assert row.top_logprobs == pytest.approx(values.tolist(), abs=1e-4)
            assert compare_rows(row, sketch_row(expected)).largest < 1e-4


def test_a_manifest_is_renewed_with_all_that_was_measured_of_the_checkpoint(
    clean: TinyModel, tmp_path: Path
) -> None:
    data = data_file(tmp_path, *ANSWERED)
    measure_ref(clean.path, "--data", data, "--z-c", clean.z_c)
    path = clean.path / "laserve.json"
    update(
        path,
        checkpoint="older",
        evaluation={"auroc": 0.9},
        calibration={"kind": "platt", "a": 4.0, "b": -2.0, "ece": 0.1, "fitted_on": "x"},
        files={"config.json": "0" * 64},
    )
    edit_json(path, as_schema_1)
    before = measured(clean.path)
    assert measure_ref(clean.path, "--renew") == 0
    renewed = measured(clean.path)
    assert renewed.schema_version == 2
    assert renewed.files == hash_files(clean.path)
    changed = {"schema_version", "golden_probes", "files"}
    assert renewed.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    for old, new in zip(before.golden_probes, renewed.golden_probes, strict=True):
        assert new.token_ids == old.token_ids
        assert new.logprob == pytest.approx(old.logprob, abs=1e-5)
        assert new.rows


def test_where_there_is_no_manifest_none_is_renewed(clean: TinyModel) -> None:
    with pytest.raises(ConfigurationError, match="has no laserve.json to renew"):
        measure_ref(clean.path, "--renew")
    with pytest.raises(SystemExit):
        measure_ref(clean.path, "--renew", "--data", "rows.jsonl")


def sample(
    tiny: TinyModel,
    model: PreTrainedModel,
    seed: int = 0,
    max_new_tokens: int = 24,
    batch_size: int = 16,
) -> ReferenceMeasurement:
    rows = {f"row {i}": Row(prompt=f"What is {i}?" * (i % 3 + 1)) for i in range(20)}
    return measure_reference(
        model,
        AutoTokenizer.from_pretrained(tiny.path),
        rows,
        z_c=tiny.z_c,
        seed=seed,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
    )


def test_missing_completions_are_written_by_the_model_and_end_with_eos(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    measurement = sample(tiny, model)
    assert measurement.c_ref.count > 0
    for probe in measurement.completions:
        *body, end = probe.completion_token_ids
        assert end in tiny.eos_token_ids
        assert not tiny.eos_token_ids.intersection(body)
        ids = [*probe.prompt_token_ids, *probe.completion_token_ids]
        assert probe.logprob == pytest.approx(forward(model, ids, tiny.z_c), abs=1e-5)


def test_completions_cut_before_their_eos_are_dropped_and_counted(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    measurement = sample(tiny, model, max_new_tokens=8)
    assert measurement.dropped > 0
    assert measurement.c_ref.count == 20 - measurement.dropped
    assert all(len(probe.completion_token_ids) <= 8 for probe in measurement.completions)


def test_sampling_is_seeded_and_leaves_the_callers_generator_alone(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = sample(tiny, model, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert sample(tiny, model, seed=3) == first
    assert sample(tiny, model, seed=4) != first


def test_sampling_ignores_the_models_own_generation_settings(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    opinionated = AutoModelForCausalLM.from_pretrained(tiny.path)
    opinionated.generation_config.update(
        do_sample=True, temperature=0.1, top_k=1, top_p=0.1, min_p=0.9, repetition_penalty=2.0
    )
    assert sample(tiny, opinionated) == sample(tiny, model)


def test_a_sampled_completion_does_not_depend_on_its_batch(tiny: TinyModel) -> None:
    # So sure of itself that sampling is as good as greedy: the draws do not matter.
    certain: Any = AutoModelForCausalLM.from_pretrained(tiny.path)
    with torch.no_grad():
        certain.lm_head.weight.mul_(1e3)
    together = sample(tiny, certain, batch_size=20).completions
    alone = sample(tiny, certain, batch_size=1).completions
    assert len(together) > 0
    assert [probe.completion_token_ids for probe in together] == [
        probe.completion_token_ids for probe in alone
    ]


def test_z_c_is_never_sampled(tiny: TinyModel) -> None:
    # Everywhere as likely as the first EOS: about half of the completions would contain it.
    eager: Any = AutoModelForCausalLM.from_pretrained(tiny.path)
    with torch.no_grad():
        eager.lm_head.weight[tiny.z_c] = eager.lm_head.weight[tiny.primary_eos]
    torch.manual_seed(0)
    free = eager.generate(torch.tensor([[10, 20]] * 16), max_new_tokens=24, do_sample=True)
    assert tiny.z_c in free
    measurement = sample(tiny, eager)
    assert measurement.c_ref.count > 0
    assert all(tiny.z_c not in probe.completion_token_ids for probe in measurement.completions)


def test_messages_and_prompt_give_the_same_chat(tiny: TinyModel, model: PreTrainedModel) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    rows = {
        "prompt": Row(prompt="Hi", completion="Ho"),
        "messages": Row(messages=(Message(role="user", content="Hi"),), completion="Ho"),
    }
    prompt, messages = measure_reference(model, tokenizer, rows, z_c=tiny.z_c).completions
    assert prompt == messages


def test_without_a_chat_template_the_prompt_is_plain_text(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    tokenizer.chat_template = None
    rows = {"line 1": Row(prompt="Hi", completion="Ho")}
    [probe] = measure_reference(model, tokenizer, rows, z_c=tiny.z_c).completions
    assert tokenizer.decode(list(probe.prompt_token_ids)) == "Hi"
    rows = {"line 1": Row(messages=(Message(role="user", content="Hi"),))}
    with pytest.raises(DataError, match="line 1 has `messages`.*no chat template: give `prompt`"):
        measure_reference(model, tokenizer, rows, z_c=tiny.z_c)


def test_max_samples_takes_the_first_rows(clean: TinyModel, tmp_path: Path) -> None:
    data = data_file(tmp_path, *ANSWERED)
    measure_ref(clean.path, "--data", data, "--z-c", clean.z_c, "--max-samples", 2)
    c_ref, probes = measured(clean.path).c_ref, measured(clean.path).golden_probes
    assert c_ref.count == 2
    assert c_ref.mean == pytest.approx(statistics.mean(probe.logprob for probe in probes))


def test_dtype_changes_the_weights_only(clean: TinyModel, tmp_path: Path) -> None:
    arguments = (clean.path, "--data", data_file(tmp_path, *ANSWERED), "--z-c", clean.z_c)
    measure_ref(*arguments)
    exact = measured(clean.path).c_ref.mean
    measure_ref(*arguments, "--dtype", "bfloat16", "--force")
    rounded = measured(clean.path).c_ref.mean
    # bfloat16 keeps 8 bits: logits of about 10 are rounded to 0.03.
    assert rounded != exact
    assert rounded == pytest.approx(exact, abs=0.1)


def test_the_result_is_printed(
    clean: TinyModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_ref(clean.path, "--data", data_file(tmp_path, *ANSWERED), "--z-c", clean.z_c)
    printed = capsys.readouterr().out
    c_ref = measured(clean.path).c_ref
    for text in ("mean", "std", "min", "max", "count", f"{c_ref.mean:.4f}", f"{c_ref.std:.4f}"):
        assert text in printed
    assert str(clean.path / "laserve.json") in printed


def test_a_target_that_training_cannot_reach_is_warned_of(
    clean: TinyModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (clean.path, "--data", data_file(tmp_path, *ANSWERED), "--z-c", clean.z_c)
    measure_ref(*arguments, "--beta-v", 0.01)
    assert "beta_v=0.01 is too small to train this model with" in capsys.readouterr().out
    measure_ref(*arguments, "--beta-v", 10, "--force")
    assert "too small" not in capsys.readouterr().out


def test_output_takes_the_manifest_elsewhere(clean: TinyModel, tmp_path: Path) -> None:
    data = data_file(tmp_path, *ANSWERED)
    output = tmp_path / "new" / "folder"
    measure_ref(clean.path, "--data", data, "--z-c", clean.z_c, "--output", output)
    assert read_manifest(clean.path) is None
    assert measured(output).files == hash_files(clean.path)


def test_an_existing_manifest_is_kept_without_force(clean: TinyModel, tmp_path: Path) -> None:
    arguments = (clean.path, "--data", data_file(tmp_path, *ANSWERED), "--z-c", clean.z_c)
    measure_ref(*arguments)
    with pytest.raises(ConfigurationError, match=r"laserve\.json exists: give --force"):
        measure_ref(*arguments, "--beta-v", 0.3)
    assert measured(clean.path).beta_v == 0.1
    measure_ref(*arguments, "--beta-v", 0.3, "--force")
    assert measured(clean.path).beta_v == 0.3


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
        ({"prompt": "x" * 1800}, "line 2 takes .* lower --max-new-tokens"),
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
    with pytest.raises(DataError, match="none of 1 completions reached an EOS within 1 tokens"):
        measure_reference(model, tokenizer, rows, z_c=tiny.z_c, max_new_tokens=1)


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
