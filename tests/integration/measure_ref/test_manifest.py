"""What `laserve measure-ref` writes, against a forward pass written here."""

import statistics
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, PreTrainedModel

from laserve.core.checkpoint_files import hash_chat_template, hash_files
from laserve.core.manifest import read_manifest
from laserve.core.parameters import NO_FLAGS, resolve_parameters
from laserve.errors import ConfigurationError, DataError
from laserve.hot_load.probe_rows import compare_rows
from laserve.reference.measure import measure_reference
from laserve.reference.rows import Message, Row
from laserve.worker.row_sketch import sketch_row
from tests.integration.measure_ref.command import (
    ANSWERED,
    PROMPTS,
    chat,
    data_file,
    forward,
    measure_ref,
    measured,
)
from tests.tiny_checkpoints.change import as_schema_1, edit_json, update
from tests.tiny_model import CHAT_TEMPLATE, TinyModel


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
    kwargs = ("--chat-template-kwargs", '{"brief": true}')
    measure_ref(clean.path, "--data", data, "--z-c", clean.z_c, "--beta-v", 0.2, *kwargs)
    manifest = measured(clean.path)
    assert manifest.chat_template_kwargs == {"brief": True}
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
    one = Message(role="user", content="Hi")
    rows = {"line 1": Row(messages=(one,), completion="Ho")}
    [message] = measure_reference(model, tokenizer, rows, z_c=tiny.z_c).completions
    assert message == probe
    rows = {"line 1": Row(messages=(Message(role="system", content="Be brief."), one))}
    with pytest.raises(DataError, match="line 1 is no single text.*no chat template for more"):
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
