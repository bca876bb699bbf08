"""Copies of candidate checkpoints in a folder of the server's own.

What is verified is the copy, and the copy is what is loaded, whatever becomes of the source.
"""

import errno
import fcntl
import hashlib
import logging
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from laserve.checkpoint.roots import real_folder
from laserve.checkpoint.safetensors_header import Tensor, parse_layout, tensors_of
from laserve.checkpoint.signature import MAX_SIGNATURE_BYTES, check_signature
from laserve.checkpoint.strict_json import few, parse_json
from laserve.checkpoint.weights import check_weights
from laserve.core.checkpoint_files import DESCRIPTION, MANIFEST_NAME, SIGNATURE_NAME
from laserve.core.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from laserve.errors import CheckpointRejected, ConfigurationError, ManifestError

logger = logging.getLogger(__name__)

ADAPTER_CONFIG_NAME = "adapter_config.json"

ALLOWED_SUFFIXES = frozenset(
    {".safetensors", ".json", ".jinja", ".txt", ".md", ".model", ".tiktoken"}
)
"""Weights, settings, chat templates, vocabularies and words about them: nothing that is run, and
nothing that runs where it is read, as a pickle does."""
ALLOWED_NAMES = frozenset({"LICENSE", "NOTICE", "README", "USE_POLICY"})
"""Files without a suffix that may be there."""

NOTHING: Mapping[str, Tensor] = MappingProxyType({})
LARGE_BYTES = 64 * 2**20
"""A file of so many is not copied unseen."""

PREFIX = "laserve-checkpoints-"
"""Of the folders of copies, one for each server."""

MAX_ENTRIES = 10_000
"""Files and folders in a checkpoint; the largest models have some hundred."""
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


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    """Its real path."""
    size: int
    """Bytes, when it was listed."""


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
            files = _list_files(root)
            content = _read_description(files, MANIFEST_NAME, MAX_MANIFEST_BYTES)
            if content is None:
                raise CheckpointRejected(
                    f"it has no {MANIFEST_NAME}: it is not complete yet, or no checkpoint"
                )
            if self._public_key is not None:
                signature = _read_description(files, SIGNATURE_NAME, MAX_SIGNATURE_BYTES)
                check_signature(content, signature, self._public_key)
            manifest = _parse(content, Path(root, MANIFEST_NAME))
            _check_listing(files.keys() - DESCRIPTION, set(manifest.files))
            _check_large(files, served)
            self._versions += 1
            path = self.folder / f"{self._versions:06}"
            undo.callback(shutil.rmtree, path, ignore_errors=True)
            self._check_space(sum(file.size for file in files.values()))
            with _naming(MANIFEST_NAME, "cannot be written"):
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
                f"it takes {needed / 2**30:.2f} GiB and the disk for copies has "
                f"{free / 2**30:.2f}: free some, or start the server with another "
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


def _list_files(root: str) -> dict[str, _File]:
    """Each file below the folder `root` by its relative path, without hidden ones."""
    files: dict[str, _File] = {}
    folders, entries = [""], 0
    while folders:
        prefix = folders.pop()
        with _naming(prefix or ".", "cannot be listed"), os.scandir(Path(root, prefix)) as listing:
            for entry in listing:
                entries += 1
                if entries > MAX_ENTRIES:
                    raise CheckpointRejected(f"it has more than {MAX_ENTRIES} files: no checkpoint")
                name = prefix + entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                else:
                    files[name] = _real_file(root, name)
    return files


def _real_file(root: str, name: str) -> _File:
    """An entry that must be a regular file, or a link to one, below `root`."""
    with _naming(name, "is a link that leads nowhere"):
        real = os.path.realpath(Path(root, name), strict=True)
    if not Path(real).is_relative_to(root):
        raise CheckpointRejected(
            f"{name!r} is a link that leads out of the checkpoint folder: copy the file into it"
        )
    with _naming(name, "cannot be read"):
        status = Path(real).stat()
    _check_regular(status, name)
    return _File(real, status.st_size)


def _read_description(files: dict[str, _File], name: str, limit: int) -> bytes | None:
    """The first bytes of a file, one more than `limit`; None where there is no such file."""
    if name not in files:
        return None
    with _naming(name, "cannot be read"), _open(files[name].path) as file:
        _check_regular(os.fstat(file), name)
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


def _check_listing(present: set[str], listed: set[str]) -> None:
    """The files that are there must be those that the manifest lists, all of a kind that is taken.

    A listed name is only ever compared with those that are there, so it cannot lead elsewhere.
    """
    strange = {name for name in present | listed if not _is_allowed(name)}
    if strange:
        raise CheckpointRejected(
            f"files of a kind that is not taken, as they may carry code: {few(strange)}. Only "
            f"{', '.join(sorted(ALLOWED_SUFFIXES))} are; leave the others out, and save weights as "
            "safetensors"
        )
    if listed - present:
        raise CheckpointRejected(
            f"files of its manifest are missing: {few(listed - present)}. It is not complete yet, "
            "or was damaged"
        )
    if present - listed:
        raise CheckpointRejected(
            f"files that its manifest does not list: {few(present - listed)}. Leave them out, or "
            "write the manifest anew"
        )


def _is_allowed(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and (path.suffix in ALLOWED_SUFFIXES or path.name in ALLOWED_NAMES)


def _check_large(files: Mapping[str, _File], served: Mapping[str, Tensor]) -> None:
    """What the head of a large weight file says is checked before it is copied: a file of nothing,
    or of nothing that fits, can be as large as the disk. The copy is checked whole."""
    most = sum(tensor.bytes for tensor in served.values())
    for name, file in files.items():
        if file.size < LARGE_BYTES or not name.endswith(".safetensors"):
            continue
        with _naming(name, "cannot be read"), _open(file.path) as opened:
            _check_regular(os.fstat(opened), name)
            with os.fdopen(opened, "rb", closefd=False) as reader:
                tensors = tensors_of(parse_layout(reader, file.size, name))
        if most and file.size > most:
            check_weights(tensors, served)


def _copy(source: str, target: Path, name: str, go_on: Callable[[], None]) -> str:
    """Copy one file; returns its sha256. `go_on` is called before each chunk, and may raise."""
    digest = hashlib.sha256()
    with ExitStack() as files:
        with _naming(name, "cannot be read"):
            reader = files.enter_context(_open(source))
            status = os.fstat(reader)
            _check_regular(status, name)
        with _naming(name, "cannot be written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            writer = files.enter_context(_create(target))
        copied = 0
        while True:
            go_on()
            with _naming(name, "cannot be read"):
                chunk = os.read(reader, CHUNK_BYTES)
            if not chunk:
                break
            copied += len(chunk)
            if copied > status.st_size:
                break
            digest.update(chunk)
            with _naming(name, "cannot be written"):
                _write(writer, chunk)
    if copied != status.st_size:
        raise CheckpointRejected(f"{name!r} changed its size during the copy: it is being written")
    return digest.hexdigest()


@contextmanager
def _open(path: str) -> Iterator[int]:
    """A descriptor for reading. A last part that was replaced by a link is not followed, and a
    pipe not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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


def _check_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = {
            stat.S_IFDIR: "a folder",
            stat.S_IFIFO: "a pipe",
            stat.S_IFSOCK: "a socket",
        }
        kind = kinds.get(stat.S_IFMT(status.st_mode), "a device")
        raise CheckpointRejected(f"{name!r} is {kind} and not a regular file")


@contextmanager
def _naming(name: str, problem: str) -> Iterator[None]:
    """Turn an OSError into a CheckpointRejected that names file and cause."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno or errno.EIO)
        raise CheckpointRejected(f"{name!r} {problem}: {cause}") from error
