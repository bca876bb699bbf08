"""Copies of candidate checkpoints in a folder of the server's own.

What is verified is the copy, and the copy is what is loaded, whatever becomes of the source.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from laserve.checkpoint.listing import (
    File,
    check_listing,
    check_regular,
    list_files,
    naming,
    opened,
)
from laserve.checkpoint.roots import real_folder
from laserve.checkpoint.safetensors_header import Tensor, parse_layout, tensors_of
from laserve.checkpoint.signature import MAX_SIGNATURE_BYTES, check_signature
from laserve.checkpoint.strict_json import MAX_JSON_BYTES, parse_json
from laserve.checkpoint.weights import check_weights
from laserve.core.checkpoint_files import DESCRIPTION, MANIFEST_NAME, SIGNATURE_NAME
from laserve.core.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from laserve.errors import CheckpointRejected, ConfigurationError, ManifestError

logger = logging.getLogger(__name__)

ADAPTER_CONFIG_NAME = "adapter_config.json"

NOTHING: Mapping[str, Tensor] = MappingProxyType({})
LARGE_BYTES = 64 * 2**20
"""A file of so many is not copied unseen."""

PREFIX = "laserve-checkpoints-"
"""Of the folders of copies, one for each server."""

CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class StagedCheckpoint:
    """A checkpoint whose files are those of its manifest."""

    path: Path
    """Of this version only: no other checkpoint ever has it."""
    name: str
    """The name of the checkpoint, as its manifest and answers state it."""
    manifest: Manifest
    source: Path
    """What it was copied from."""
    is_signed: bool = False
    """Whether its manifest is signed with the operator's key."""

    @property
    def is_adapter(self) -> bool:
        """Whether it is a LoRA adapter, to be used on top of a whole checkpoint."""
        return ADAPTER_CONFIG_NAME in self.manifest.files


class Staging:
    """A temporary folder with one subfolder for each version. Its methods block.

    The folder is locked for as long as its process lives: what a server that was killed has left
    behind is known by the lock that nobody holds.
    """

    def __init__(
        self, parent: Path | None = None, public_key: Ed25519PublicKey | None = None
    ) -> None:
        """Make the folder below `parent`, by default where temporary files go, and remove there
        what killed servers have left. With `public_key` only checkpoints that are signed with it
        are staged.

        Raises ConfigurationError where that cannot be done.
        """
        parent = parent or Path(tempfile.gettempdir())
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(parent)
            self.folder, self._folder_lock = _make_locked(parent)
        except OSError as error:
            raise ConfigurationError(
                f"no folder for checkpoints can be made in {parent}: {error.strerror}. Give "
                "another one: --checkpoint-staging DIR"
            ) from error
        self._public_key = public_key
        self._versions = 0
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def stage(
        self, source: Path, roots: Sequence[Path], served: Mapping[str, Tensor] = NOTHING
    ) -> StagedCheckpoint:
        """Copy the checkpoint folder `source`, which must lie below one of `roots`, and whose
        weights are to take the place of the tensors ``served``, where there are any.

        The files must be exactly those of its manifest, hidden ones aside, with the hashes that it
        states. Raises CheckpointRejected, also where the folder of copies is closed meanwhile, and
        leaves nothing behind then.
        """

        with self._lock, ExitStack() as undo:
            self.go_on()
            root = real_folder(source, roots)
            files = list_files(root)
            content = _read_description(files, MANIFEST_NAME, MAX_MANIFEST_BYTES)
            if content is None:
                raise CheckpointRejected(
                    f"it has no {MANIFEST_NAME}: it is not complete yet, or no checkpoint"
                )
            if self._public_key is not None:
                signature = _read_description(files, SIGNATURE_NAME, MAX_SIGNATURE_BYTES)
                check_signature(content, signature, self._public_key)
            manifest = _parse(content, Path(root, MANIFEST_NAME))
            check_listing(files.keys() - DESCRIPTION, set(manifest.files))
            _check_large(files, served)
            self._versions += 1
            path = self.folder / f"{self._versions:06}"
            undo.callback(shutil.rmtree, path, ignore_errors=True)
            self._check_space(sum(file.size for file in files.values()))
            with naming(MANIFEST_NAME, "cannot be written"):
                path.mkdir()
                (path / MANIFEST_NAME).write_bytes(content)
            for name, expected in sorted(manifest.files.items()):
                if _copy(files[name].path, path / name, name, self.go_on) != expected:
                    raise CheckpointRejected(
                        f"{name!r} has not the sha256 that its manifest states: it was changed, or "
                        "is not complete"
                    )
            undo.pop_all()
        is_signed = self._public_key is not None
        return StagedCheckpoint(path, manifest.checkpoint, manifest, source, is_signed)

    def go_on(self) -> None:
        """Raise CheckpointRejected where the folder of copies is closed."""
        if self._closed.is_set():
            raise CheckpointRejected("its copy was cancelled")

    def remove(self, staged: StagedCheckpoint) -> None:
        """Remove the files of a version."""
        shutil.rmtree(staged.path, ignore_errors=True)

    def close(self) -> None:
        """Cancel the copy in progress, and remove everything."""
        self._closed.set()
        with self._lock:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._folder_lock.close()

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise CheckpointRejected(
                f"it takes {needed / 2**20:.1f} MiB and the disk for copies has "
                f"{free / 2**20:.1f}: free some, or start the server with another "
                "--checkpoint-staging DIR"
            )


def _make_locked(parent: Path) -> tuple[Path, ExitStack]:
    """A new folder, and what holds its lock until it is closed."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        if (lock := _lock(folder)) is not None:
            return folder, lock
        # Another server that starts took it for abandoned before it was locked.


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders that nobody holds the lock of."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or no folder of copies
            if (lock := _lock(folder)) is not None:
                with lock:
                    logger.info("removing the copies that a killed server left in %s", folder)
                    shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> ExitStack | None:
    """What holds the lock of a folder until it is closed; None where another process holds it, or
    has removed the folder."""
    with ExitStack() as undo:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            undo.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            return None
        return undo.pop_all() if folder.exists() else None


def _read_description(files: dict[str, File], name: str, limit: int) -> bytes | None:
    """The first bytes of a file, one more than `limit`; None where there is no such file."""
    if name not in files:
        return None
    with naming(name, "cannot be read"), opened(files[name].path) as file:
        check_regular(os.fstat(file), name)
        with os.fdopen(file, "rb", closefd=False) as reader:
            return reader.read(limit + 1)


def _parse(content: bytes, path: Path) -> Manifest:
    """The manifest that a file's bytes hold."""
    try:
        manifest = parse_manifest(content, path)
    except ManifestError as error:
        raise CheckpointRejected(str(error)) from error
    parse_json(content, MANIFEST_NAME)
    return manifest


def _check_large(files: Mapping[str, File], served: Mapping[str, Tensor]) -> None:
    """What the head of a large weight file says is checked before it is copied, and no other file
    is that large: one of nothing, or of nothing that fits, can be as large as the disk. The copy
    is checked whole."""
    most = sum(tensor.bytes for tensor in served.values())
    for name, file in files.items():
        if not name.endswith(".safetensors"):
            if file.size > MAX_JSON_BYTES:
                raise CheckpointRejected(
                    f"{name!r} is larger than {MAX_JSON_BYTES // 2**20} MiB, and no weights: leave "
                    "it out"
                )
            continue
        if file.size < LARGE_BYTES:
            continue
        with naming(name, "cannot be read"), opened(file.path) as descriptor:
            check_regular(os.fstat(descriptor), name)
            with os.fdopen(descriptor, "rb", closefd=False) as reader:
                tensors = tensors_of(parse_layout(reader, file.size, name))
        if most and file.size > most:
            check_weights(tensors, served)


def _copy(source: str, target: Path, name: str, go_on: Callable[[], None]) -> str:
    """Copy one file; returns its sha256. `go_on` is called before each chunk, and may raise."""
    digest = hashlib.sha256()
    with ExitStack() as files:
        with naming(name, "cannot be read"):
            reader = files.enter_context(opened(source))
            status = os.fstat(reader)
            check_regular(status, name)
        with naming(name, "cannot be written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            writer = files.enter_context(_create(target))
        copied = 0
        while True:
            go_on()
            with naming(name, "cannot be read"):
                chunk = os.read(reader, CHUNK_BYTES)
            if not chunk:
                break
            copied += len(chunk)
            if copied > status.st_size:
                break
            digest.update(chunk)
            with naming(name, "cannot be written"):
                _write(writer, chunk)
    if copied != status.st_size:
        raise CheckpointRejected(f"{name!r} changed its size during the copy: it is being written")
    return digest.hexdigest()


@contextmanager
def _create(path: Path) -> Iterator[int]:
    """A descriptor for writing a new file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
