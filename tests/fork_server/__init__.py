"""Processes of the tests, forked from one that has imported vLLM and TRL.

vLLM takes 12 CPU-seconds to import, TRL 3 more, and a server imports vLLM three times: for itself,
for its engine and for the engine's worker. `start` does what `subprocess.Popen` does of a Python
command, but the process comes out of a fork server and finds the imports done. It is a child of
its own of whoever started it, with the command line's `sys.argv`, environment, folder, files and
exit status; what it spawns by `multiprocessing` is forked in the same way.

What the interpreter reads before the first import is the fork server's: PYTHONPATH and the like, or
LD_PRELOAD, which vLLM sets for its workers. Hence some servers of the suite are started without it.
"""

import array
import atexit
import ctypes
import multiprocessing.util
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from unittest.mock import patch

import psutil

from tests.budget import Kind, spend

ROOT = Path(__file__).parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
"""Models this small only lose by sharing the work, and engines share the cores."""
MAX_REQUEST_BYTES = 1 << 17
MAX_FDS = 64
_PR_SET_CHILD_SUBREAPER = 36
_spawnv_passfds = multiprocessing.util.spawnv_passfds


@dataclass(frozen=True)
class Request:
    """A Python command to be run in a process of its own."""

    arguments: Sequence[str]
    """What follows the interpreter: `-m MODULE ...` or `-c CODE ...`."""
    environment: Mapping[str, str]
    folder: str
    fds: Sequence[int]
    """The numbers under which the process finds the files that are sent along."""


class ForkServer:
    """The end of a fork server's connection from which forks are asked for."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = Lock()
        # The new process is an orphan from its first moment, and goes to the nearest such ancestor.
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "this process cannot adopt those that it starts")

    def fork(self, request: Request, files: Sequence[int]) -> int:
        """Have it run in a child of this process; its id. ``files``: ours, one for each of the
        request's."""
        with self._lock:
            socket.send_fds(self._connection, [pickle.dumps(request)], files)
            pid = array.array("i", self._connection.recv(MAX_REQUEST_BYTES))
        return pid[0]


@cache
def _fork_server() -> ForkServer:
    """The test session's; ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in ONE_THREAD},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ForkServer(ours)


def start(
    module: str,
    *arguments: str,
    output: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> psutil.Process:
    """Run `python -m module arguments`; stdout and stderr go to the file ``output``.

    ``environment``: variables beside those of this process. ``folder``: where it runs; default: as
    this process.
    """
    request = Request(
        ("-m", module, *arguments),
        {**os.environ, **(environment or {})},
        os.fspath(folder or Path.cwd()),
        (0, 1, 2),
    )
    with Path(os.devnull).open() as nothing, output.open("wb") as file:
        files = [nothing.fileno(), file.fileno(), file.fileno()]
        return psutil.Process(_fork_server().fork(request, files))


def ended(process: psutil.Process) -> bool:
    """Whether a child of this process has ended; `wait` then tells its exit status."""
    return bool(psutil.wait_procs([process], timeout=0)[0])


@contextmanager
def forking(server: ForkServer | None = None) -> Iterator[None]:
    """What this process spawns by `multiprocessing` during this block is forked, by the session's
    fork server unless it has one of its own."""

    def spawnv_passfds(path: bytes, arguments: Sequence[bytes], fds: Sequence[int]) -> int:
        command = list(map(os.fsdecode, arguments))
        if not any("spawn_main" in argument for argument in command):
            return _spawnv_passfds(path, arguments, fds)  # the resource tracker, which is small
        code = command[command.index("-c") :]
        fds = [0, 1, 2, *sorted(set(fds))]
        if server is None:
            spend(Kind.ENGINE)
        request = Request(code, dict(os.environ), str(Path.cwd()), fds)
        return (server or _fork_server()).fork(request, fds)

    with patch.object(multiprocessing.util, "spawnv_passfds", spawnv_passfds):
        yield
