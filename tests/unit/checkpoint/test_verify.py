"""What may differ between two checkpoints that are served one after the other."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint
from laserve.checkpoint.verify import verify
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.errors import CheckpointRejected
from tests.tiny_checkpoints.build import BETA_V, build_checkpoint
from tests.tiny_checkpoints.change import as_schema_1, edit_json, rehash, shard, update
from tests.tiny_checkpoints.corpus import BAD

Stager = Callable[[Path], StagedCheckpoint]


def _older_configuration(folder: Path) -> None:
    """As transformers 4 wrote it."""

    def change(config: dict[str, Any]) -> None:
        config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
        config["torch_dtype"] = config.pop("dtype")
        del config["layer_types"], config["bos_token_id"], config["pad_token_id"]
        config |= {"transformers_version": "4.43.1", "use_cache": False, "_name_or_path": "x"}

    edit_json(folder / "config.json", change)
    rehash(folder)


def _saved_again(folder: Path) -> None:
    """The tokenizer as training saves it: transformers rebuilds it for the model's type."""
    before = json.loads((folder / "tokenizer.json").read_text())
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    assert json.loads((folder / "tokenizer.json").read_text()) != before
    rehash(folder)


def _no_generation_config(folder: Path) -> None:
    """vLLM takes the EOS of config.json then."""
    (folder / "generation_config.json").unlink()
    update(folder / "config.json", eos_token_id=[256, 257])
    rehash(folder)


def _words_and_hidden_files(folder: Path) -> None:
    (folder / "README.md").write_text("# Tiny\n")
    (folder / "LICENSE").write_text("Free.\n")
    rehash(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock.bin").touch()
    (folder / ".gitattributes").touch()


def _neutral_sampling(folder: Path) -> None:
    update(folder / "generation_config.json", temperature=1.0, top_p=1.0, top_k=0)
    rehash(folder)


def _link_inside(folder: Path) -> None:
    (folder / "README.md").write_text("# Tiny\n")
    (folder / "README.txt").symlink_to("README.md")
    rehash(folder)


def _unscored_probes(content: dict[str, Any]) -> None:
    as_schema_1(content, scored=False)


def _renamed(content: dict[str, Any]) -> None:
    content |= {
        "checkpoint": "tiny-v2",
        "threshold": 0.4,
        "calibration": {"kind": "platt", "a": 4.0, "b": -2.0, "ece": 0.1, "fitted_on": "x"},
        "evaluation": {"auroc": 0.9},
        "training": {"seed": 3},
        "example_prompt": "Hi?",
    }


def _another_base(content: dict[str, Any]) -> None:
    """Measured with another model: a c_ref of its own."""
    content["base_model"] = "tiny-instruct"
    content["c_ref"]["mean"] = -15.0
    for probe in content["golden_probes"]:
        probe["score"] = BETA_V * (probe["logprob"] + 15.0)


GOOD: dict[str, Callable[[Path], object]] = {
    "identical": lambda folder: None,
    "sharded": shard,
    "another name, calibration and evaluation": lambda folder: edit_json(
        folder / MANIFEST_NAME, _renamed
    ),
    "manifest of schema 1": lambda folder: edit_json(folder / MANIFEST_NAME, as_schema_1),
    "probes without scores": lambda folder: edit_json(folder / MANIFEST_NAME, _unscored_probes),
    "sampling defaults that are vLLM's own": _neutral_sampling,
    "another base model": lambda folder: edit_json(folder / MANIFEST_NAME, _another_base),
    "configuration of an older transformers": _older_configuration,
    "tokenizer saved again": _saved_again,
    "EOS in config.json": _no_generation_config,
    "README, LICENSE and hidden files": _words_and_hidden_files,
    "link inside": _link_inside,
}


@pytest.mark.parametrize("name", GOOD)
def test_a_checkpoint_that_computes_the_same_way_is_verified(
    name: str, candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    GOOD[name](candidate)
    verify(stage(candidate), served)


def test_other_weights_are_verified(
    tmp_path: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    build_checkpoint(tmp_path / "other", seed=1, name="other")
    staged = stage(tmp_path / "other")
    verify(staged, served)
    assert staged.name == "other"


def test_what_is_served_may_be_the_older_form_and_may_be_gone(
    candidate: Path, good: Path, stage: Stager, tmp_path: Path
) -> None:
    shard(candidate)
    _older_configuration(candidate)
    _saved_again(candidate)
    manifest = stage(candidate).manifest
    served = ServedCheckpoint.read(candidate, manifest.parameters(), manifest)
    shutil.rmtree(candidate)
    verify(stage(shutil.copytree(good, tmp_path / "copy")), served)


def test_without_a_served_manifest_any_c_ref_is_taken(
    candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    verify(stage(candidate), replace(served, manifest=None))


def test_sampling_defaults_that_the_server_does_not_take_may_differ(
    candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    BAD["other sampling defaults"](candidate)
    verify(stage(candidate), replace(served, samples_as_stated=False))


def test_probes_must_fit_the_servers_context(
    candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    with pytest.raises(CheckpointRejected, match="context 20: write shorter probes"):
        verify(stage(candidate), replace(served, max_model_len=20))


def test_z_c_is_the_servers_even_where_a_flag_changed_it(
    candidate: Path, served: ServedCheckpoint, stage: Stager
) -> None:
    parameters = replace(served.parameters, z_c=258)
    with pytest.raises(CheckpointRejected, match="z_c is 259, and the server keeps 258"):
        verify(stage(candidate), replace(served, parameters=parameters))


def test_a_server_without_safetensors_takes_no_checkpoints(
    candidate: Path, served: ServedCheckpoint
) -> None:
    (candidate / "model.safetensors").rename(candidate / "pytorch_model.bin")
    with pytest.raises(CheckpointRejected, match=r"no \*.safetensors file"):
        ServedCheckpoint.read(candidate, served.parameters, served.manifest)
