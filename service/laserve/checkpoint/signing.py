"""Signs a checkpoint folder, and tells whether one is signed (`signature`)."""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from laserve.checkpoint.signature import check_signature
from laserve.core.checkpoint_files import MANIFEST_NAME, SIGNATURE_NAME, hash_files
from laserve.core.manifest import parse_manifest
from laserve.errors import CheckpointRejected, ConfigurationError


def sign(folder: Path, key: Ed25519PrivateKey) -> Path:
    """Sign the checkpoint in `folder`, whose files must be those of its manifest; returns the
    signature's path. Raises ConfigurationError."""
    content = _checked_manifest(folder)
    path = folder / SIGNATURE_NAME
    temporary = folder / f".{SIGNATURE_NAME}.{os.getpid()}"
    try:
        temporary.write_bytes(base64.b64encode(key.sign(content)) + b"\n")
        temporary.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    return path


def check_signed(folder: Path, key: Ed25519PublicKey) -> None:
    """Raise ConfigurationError unless the checkpoint in `folder` is signed with `key`, and its
    files are those of its manifest."""
    content = _checked_manifest(folder)
    try:
        signature = (folder / SIGNATURE_NAME).read_bytes()
    except FileNotFoundError:
        signature = None
    except OSError as error:
        raise ConfigurationError(
            f"{folder / SIGNATURE_NAME} cannot be read: {error.strerror}"
        ) from error
    try:
        check_signature(content, signature, key)
    except CheckpointRejected as error:
        raise ConfigurationError(f"{folder}: {error}") from error


def _checked_manifest(folder: Path) -> bytes:
    """The bytes of the manifest, whose hashes are those of the folder's files."""
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    if parse_manifest(content, path).files != hash_files(folder):
        raise ConfigurationError(
            f"{folder} has other files than its {MANIFEST_NAME} states: write it anew, with "
            f"laserve measure-ref {folder} --renew"
        )
    return content
