"""Tied embeddings are replaced in place, and LoRA adapters are checkpoints."""

import shutil
from collections.abc import Iterator

import pytest

from laserve.core.checkpoint_files import hash_files
from laserve.core.manifest import read_manifest, write_manifest
from tests.checkpoints import describe
from tests.e2e.cued_reload import PLAIN, give_cue
from tests.e2e.hot_loading import HotServer, running_hot_server, same_as
from tests.tiny_lora import build_tiny_lora
from tests.tiny_tied import build_tiny_tied_model


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HotServer]:
    """Serves `a`, whose embeddings are its output layer; beside it `b`, and an adapter of `a`,
    which is to amount to `merged`."""
    root = tmp_path_factory.mktemp("tied") / "candidates"
    for seed, name in enumerate(("a", "b")):
        describe(root / name, build_tiny_tied_model(root / name, seed=seed), f"tied-{name}")
    merged = build_tiny_tied_model(root / "merged")
    build_tiny_lora(root / "a", root / "adapter").save_pretrained(merged.path)
    describe(merged.path, merged, "tied-adapter")
    manifest = read_manifest(merged.path)
    assert manifest is not None
    own = manifest.model_copy(update={"files": hash_files(root / "adapter")})
    write_manifest(root / "adapter", own)
    with running_hot_server(
        root, ("a", "b", "merged"), "--enable-lora", *("--max-lora-rank", "8")
    ) as running:
        yield running


def test_tied_embeddings_are_replaced_in_place(tied: HotServer) -> None:
    for name in ("b", "a"):
        tied.load(tied.root / name)
        tied.ask(f"tied-{name}")


def test_what_vllms_own_reload_makes_of_tied_embeddings_is_caught_and_undone(
    tied: HotServer,
) -> None:
    tied.load(tied.root / "a")
    before = tied.ask("tied-a")
    wrong = give_cue(shutil.copytree(tied.root / "b", tied.root / "wrong"), PLAIN)
    assert "golden probe 0" in tied.rejection(wrong)
    assert same_as(before, tied.ask("tied-a"))


def test_an_adapter_answers_for_the_model_until_it_is_rolled_back(tied: HotServer) -> None:
    tied.load(tied.root / "a")
    tied.load(tied.root / "adapter")
    tied.ask("tied-adapter")
    for expected in ("tied-a", "tied-adapter"):
        job = tied.wait(tied.post_rollback())
        assert (job["state"], job["checkpoint"]) == ("active", expected)
        tied.ask(expected)
    tied.load(tied.root / "b")
    tied.ask("tied-b")


def test_an_adapter_of_other_weights_is_rejected(tied: HotServer) -> None:
    tied.load(tied.root / "b")
    assert "golden probe 0" in tied.rejection(tied.root / "adapter")
    tied.ask("tied-b")
