"""A checkpoint is written whole or not at all, and its manifest describes what was written."""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core import describe
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.manifest import Manifest, ReferenceConstant, read_manifest
from laserve.core.probes import GoldenProbe, ProbeRow
from laserve.core.score import ScoreParameters
from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve_training import checkpoint
from laserve_training.checkpoint import check_output, write_checkpoint
from laserve_training.laser.config import check_target
from laserve_training.models import training_tokenizer
from tests.tiny_model import TinyModel, build_tiny_model

C_REF = ReferenceConstant(mean=-14.2, std=1.4, count=100)
ROW = ProbeRow(
    position=2, vocab_size=384, top_token_ids=(3,), top_logprobs=(-0.5,), sketch="AACAPwAAAAA="
)
TRAINING = {"laser": {"alpha": 0.1}, "model": {"path": "tiny"}}


@dataclass(frozen=True)
class Written:
    """Writes the checkpoint of a tiny model."""

    tiny: TinyModel
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def probe(self, logprob: float, *, last: int | None = None) -> GoldenProbe:
        end = self.tiny.primary_eos if last is None else last
        return GoldenProbe(
            prompt_token_ids=(1, 2),
            completion_token_ids=(3, end),
            logprob=logprob,
            dtype="float32",
            rows=(ROW,),
        )

    def __call__(self, folder: Path, **changes: Any) -> Manifest:
        values: dict[str, Any] = {
            "parameters": ScoreParameters(
                z_c=changes.pop("z_c", self.tiny.z_c),
                eos_token_ids=self.tiny.eos_token_ids,
                c_ref=C_REF.mean,
                beta_v=0.2,
                threshold=0.4,
                checkpoint="mine",
            ),
            "c_ref": C_REF,
            "base_model": "tiny",
            "example_prompt": "What is 1 + 1?",
            "training": TRAINING,
            "completions": (self.probe(-13.5), self.probe(-4.25)),
        }
        return write_checkpoint(folder, self.model, self.tokenizer, **(values | changes))


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Written:
    tiny = build_tiny_model(tmp_path_factory.mktemp("checkpoint") / "tiny")
    return Written(tiny, load_model(str(tiny.path), "float32"), training_tokenizer(str(tiny.path)))


@pytest.fixture(scope="module")
def folder(write: Written, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "checkpoint"
    write(path)
    return path


def test_the_manifests_hashes_are_those_of_the_files(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    on_disk = {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != MANIFEST_NAME
    }
    assert manifest.files == on_disk
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= on_disk.keys()


def test_the_manifest_holds_the_constants_of_the_score(folder: Path, write: Written) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.parameters() == ScoreParameters(
        z_c=write.tiny.z_c,
        eos_token_ids=write.tiny.eos_token_ids,
        c_ref=C_REF.mean,
        beta_v=0.2,
        threshold=0.4,
        checkpoint="mine",
    )
    assert manifest.c_ref == C_REF
    assert manifest.z_c_token == "<|vision_start|>"
    assert manifest.base_model == "tiny"
    assert manifest.training == TRAINING
    assert manifest.example_prompt == "What is 1 + 1?"


def test_the_manifest_holds_the_golden_probes_in_order_with_their_scores(
    folder: Path, write: Written
) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    probes = manifest.golden_probes
    assert [probe.logprob for probe in probes] == [-13.5, -4.25]
    assert {probe.model_copy(update={"logprob": 0.0, "score": None}) for probe in probes} == {
        write.probe(0.0)
    }
    # beta_v * (logprob - c_ref), with 0.2 and -14.2.
    assert [probe.score for probe in probes] == [pytest.approx(0.14), pytest.approx(1.99)]


def test_the_manifest_that_is_returned_is_the_one_that_is_written(
    write: Written, tmp_path: Path
) -> None:
    returned = write(tmp_path / "checkpoint")
    assert read_manifest(tmp_path / "checkpoint") == returned


def test_the_model_and_its_tokenizer_are_read_back_as_they_were(
    folder: Path, write: Written
) -> None:
    weights = load_model(str(folder), "auto").state_dict()
    expected = write.model.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    tokenizer = training_tokenizer(str(folder))
    assert tokenizer.get_vocab() == write.tokenizer.get_vocab()
    assert tokenizer.chat_template == write.tokenizer.chat_template


def test_the_folder_and_its_files_are_readable_by_a_server_of_another_user(folder: Path) -> None:
    assert folder.stat().st_mode & stat.S_IXOTH
    assert all(path.stat().st_mode & stat.S_IROTH for path in folder.iterdir())


def test_nothing_but_the_checkpoint_is_left(folder: Path) -> None:
    assert list(folder.parent.iterdir()) == [folder]


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (lambda write: write.tokenizer, "save_pretrained"),
        (lambda _: describe, "hash_files"),
        (lambda _: checkpoint, "write_manifest"),
        (lambda _: Path, "rename"),
    ],
    ids=["tokenizer", "hashes", "manifest", "rename"],
)
def test_an_error_half_way_leaves_neither_a_folder_nor_temporary_files(
    owner: Callable[[Written], object],
    name: str,
    write: Written,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owner(write), name, full_disk)
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path / "checkpoint")
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "checkpoint")


def test_a_manifest_that_cannot_be_leaves_nothing(write: Written, tmp_path: Path) -> None:
    unfinished = write.probe(-3.0, last=5)
    with pytest.raises(ValueError, match="must end with an EOS"):
        write(tmp_path / "checkpoint", completions=(unfinished,))
    assert list(tmp_path.iterdir()) == []


def test_a_z_c_that_text_contains_is_refused_before_anything_is_written(
    write: Written, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="is an ordinary token"):
        write(tmp_path / "run" / "checkpoint", z_c=7)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_refused_and_left_as_it_is(write: Written, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("kept")
    with pytest.raises(ConfigurationError, match="checkpoint exists: remove it, or give another"):
        write(kept.parent)
    assert [path.name for path in tmp_path.rglob("*")] == ["checkpoint", "kept.txt"]
    assert kept.read_text() == "kept"


def test_an_output_gets_its_parents(tmp_path: Path) -> None:
    check_output(tmp_path / "runs" / "mine" / "checkpoint")
    assert (tmp_path / "runs" / "mine").is_dir()
    assert not (tmp_path / "runs" / "mine" / "checkpoint").exists()


def test_an_output_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(ConfigurationError, match="cannot be written to: give another output"):
        check_output(tmp_path / "checkpoint")


@pytest.mark.parametrize(("c_ref", "beta_v"), [(-23.0, 0.1), (-25.0, 0.1), (-8.0, 0.2)])
def test_a_target_below_certainty_is_taken(c_ref: float, beta_v: float) -> None:
    check_target(c_ref, beta_v)


@pytest.mark.parametrize(
    ("c_ref", "beta_v", "needed"),
    [(-10.0, 0.1, "0.100"), (-9.9, 0.1, "0.101"), (-23.0, 0.04, "0.043"), (-0.5, 1.0, "2.000")],
)
def test_a_target_at_certainty_or_above_is_refused_with_the_beta_v_it_needs(
    c_ref: float, beta_v: float, needed: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"Give a score.beta_v above {needed}"):
        check_target(c_ref, beta_v)
