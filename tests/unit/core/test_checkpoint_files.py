"""Hashes and names of what a checkpoint is made of."""

from pathlib import Path

from laserve.core.checkpoint_files import (
    MANIFEST_NAME,
    checkpoint_name,
    hash_chat_template,
    hash_files,
)


def test_files_are_hashed_without_the_manifest_and_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"abc")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "laserve.json").write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "lock").write_bytes(b"x")
    (tmp_path / MANIFEST_NAME).write_text("{}")
    # The published test vectors of SHA-256 (FIPS 180-4): "abc" and the empty message.
    assert hash_files(tmp_path) == {
        "model.bin": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sub/laserve.json": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }


def test_chat_template_hash_is_of_its_text() -> None:
    assert hash_chat_template(None) is None
    assert (
        hash_chat_template("abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_checkpoint_name_is_never_a_local_path(tmp_path: Path) -> None:
    assert checkpoint_name(f"{tmp_path}/") == tmp_path.name
    assert checkpoint_name("Qwen/Qwen2.5-7B") == "Qwen/Qwen2.5-7B"
