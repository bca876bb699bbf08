"""An operator's signature of a checkpoint: Ed25519 (RFC 8032) over the manifest's bytes.

The manifest states the hash of every other file, so its signature is one of them all. It stands
beside the manifest, in base64; whatever rewrites the manifest ends it.
"""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from laserve.core.checkpoint_files import MANIFEST_NAME, SIGNATURE_NAME
from laserve.errors import CheckpointRejected, ConfigurationError

MAX_SIGNATURE_BYTES = 1024
_MEND = "make one with `openssl genpkey -algorithm ed25519 -out FILE`"


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The key in a PEM file. Raises ConfigurationError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} holds no public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            f"{path} is no Ed25519 key: {_MEND}, and its public half with `openssl pkey -pubout`"
        )
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file without a password. Raises ConfigurationError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{path} holds no private key in PEM that can be used: {error}; {_MEND}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} is no Ed25519 key: {_MEND}")
    return key


def check_signature(content: bytes, signature: bytes | None, key: Ed25519PublicKey) -> None:
    """Raise CheckpointRejected unless `signature`, as its file has it, is one with `key` of the
    manifest's bytes."""
    if signature is None:
        raise CheckpointRejected(
            f"it has no {SIGNATURE_NAME}, and this server takes signed checkpoints only "
            "(--checkpoint-public-key): laserve sign FOLDER --key FILE"
        )
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), content)
    except (InvalidSignature, binascii.Error) as error:
        raise CheckpointRejected(
            f"{SIGNATURE_NAME} is no signature of its {MANIFEST_NAME} with the server's "
            "--checkpoint-public-key: the manifest was changed after it was signed, or with "
            "another key"
        ) from error
