"""A checkpoint whose hashes somebody has recomputed is known by its missing signature."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from laserve.__main__ import main
from laserve.checkpoint.signature import read_private_key, read_public_key
from laserve.checkpoint.signing import check_signed, sign
from laserve.checkpoint.staging import Staging
from laserve.core.checkpoint_files import SIGNATURE_NAME, hash_files
from laserve.core.manifest import read_manifest, write_manifest
from laserve.errors import CheckpointRejected, ConfigurationError
from tests.tiny_checkpoints.change import rehash
from tests.tiny_checkpoints.corpus import BAD

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def private_key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture
def guarded(tmp_path: Path) -> Staging:
    """Takes what is signed with the key."""
    return Staging(tmp_path / "guarded", KEY.public_key())


def test_a_signed_checkpoint_is_staged_and_known_to_be_signed(
    candidate: Path, private_key: Path, guarded: Staging, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign", str(candidate), "--key", str(private_key)]) == 0
    assert str(candidate / SIGNATURE_NAME) in capsys.readouterr().out
    staged = guarded.stage(candidate, [candidate.parent])
    assert staged.is_signed
    check_signed(candidate, KEY.public_key())
    # Its signature is none of its files, and means nothing to a server without a key.
    assert SIGNATURE_NAME not in hash_files(candidate)
    open_to_all = Staging(guarded.folder.parent)
    assert not open_to_all.stage(candidate, [candidate.parent]).is_signed
    guarded.close()
    open_to_all.close()


def _no_signature(folder: Path) -> None:
    (folder / SIGNATURE_NAME).unlink()


def _of_another_key(folder: Path) -> None:
    sign(folder, OTHER_KEY)


def _no_base64(folder: Path) -> None:
    (folder / SIGNATURE_NAME).write_text("hello")


def _huge(folder: Path) -> None:
    (folder / SIGNATURE_NAME).write_bytes(b"A" * 10**6)


def _hashes_recomputed(folder: Path) -> None:
    BAD["swapped rows of the output"](folder)


def _written_again(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    write_manifest(folder, manifest.model_copy(update={"evaluation": {"auroc": 1.0}}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_signature, "it has no laserve.json.sig, and this server takes signed"),
        (_of_another_key, "is no signature of its laserve.json"),
        (_no_base64, "is no signature of its laserve.json"),
        (_huge, "is no signature of its laserve.json"),
        (_hashes_recomputed, "is no signature of its laserve.json"),
        (_written_again, "is no signature of its laserve.json"),
    ],
)
def test_what_is_not_signed_with_the_key_is_refused(
    spoil: Callable[[Path], None], message: str, candidate: Path, guarded: Staging
) -> None:
    sign(candidate, KEY)
    spoil(candidate)
    with pytest.raises(CheckpointRejected, match=message):
        guarded.stage(candidate, [candidate.parent])
    with pytest.raises(ConfigurationError, match=message):
        check_signed(candidate, KEY.public_key())
    guarded.close()


def test_only_a_checkpoint_whose_files_are_those_of_its_manifest_is_signed(
    candidate: Path, private_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (candidate / "README.md").write_text("new")
    assert main(["sign", str(candidate), "--key", str(private_key)]) == 2
    assert "has other files than its laserve.json states" in capsys.readouterr().err
    rehash(candidate)
    assert main(["sign", str(candidate), "--key", str(private_key)]) == 0
    signature = base64.b64decode((candidate / SIGNATURE_NAME).read_bytes())
    KEY.public_key().verify(signature, (candidate / "laserve.json").read_bytes())


def test_a_key_of_no_use_is_named(tmp_path: Path, private_key: Path) -> None:
    for read in (read_private_key, read_public_key):
        with pytest.raises(ConfigurationError, match="gone.pem cannot be read: No such file"):
            read(tmp_path / "gone.pem")
        (tmp_path / "text.pem").write_text("hello")
        with pytest.raises(ConfigurationError, match="text.pem holds no p"):
            read(tmp_path / "text.pem")
    with pytest.raises(ConfigurationError, match="key.pem holds no public key"):
        read_public_key(private_key)
    other = generate_private_key(SECP256R1())
    path = tmp_path / "ec.pem"
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationError, match="ec.pem is no Ed25519 key"):
        read_private_key(path)
    path.write_bytes(
        other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(ConfigurationError, match="ec.pem is no Ed25519 key"):
        read_public_key(path)
