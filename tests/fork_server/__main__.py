"""The fork server: imports, then forks a process for each request. `tests.fork_server` asks."""

import array
import atexit
import fcntl
import gc
import importlib
import os
import pickle
import runpy
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import setproctitle
import torch

from laserve.startup import hide_broken_companions
from tests.fork_server import MAX_FDS, MAX_REQUEST_BYTES, ForkServer, Request, forking

PRELOADED = (
    "laserve.app",
    "laserve.launch.serve",
    "laserve.measure_ref",
    "laserve.select_file",
    "laserve.worker.cpu_worker",
    "laserve.worker.processor_v1",
    "laserve.worker.reload",
    "laserve.worker.scheduler",
    "laserve_training.commands.evaluate",
    "laserve_training.commands.laser",
    "laserve_training.commands.sft",
    "vllm.entrypoints.openai.api_server",
    "vllm.v1.engine.core",
    "vllm.v1.executor.multiproc_executor",
    "vllm.v1.worker.cpu_worker",
)


def fall_silent() -> None:
    """The last thing that a process does before its modules are taken down: Triton's bindings
    complain of what `gc.freeze` keeps."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def preload() -> None:
    """Import what servers, engines, their workers and the training import."""
    hide_broken_companions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in PRELOADED:
            importlib.import_module(module)
    setproctitle.getproctitle()  # finds its place while the environment is where it was
    gc.collect()
    gc.freeze()  # a collection in a forked process would take a second, and copy every page


def next_request(connection: socket.socket) -> tuple[Request, list[int]]:
    """Fork for each request. Returns in the forked processes only; ends this one when nobody is
    left to ask."""
    while True:
        message, files, *_ = socket.recv_fds(connection, MAX_REQUEST_BYTES, MAX_FDS)
        if not message:
            sys.exit()
        told, tell = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid == 0:
                os.close(told)
                os.close(tell)
                return pickle.loads(message), files
            os.write(tell, array.array("i", [pid]))
            os._exit(0)
        os.waitpid(between, 0)  # the other is an orphan, and has been adopted
        connection.send(os.read(told, MAX_REQUEST_BYTES))
        for file in (told, tell, *files):
            os.close(file)


def become(request: Request, files: list[int]) -> None:
    """Take on the folder, the environment and the files of the process that was asked for."""
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    # First out of the way of the numbers that they are to have.
    above = max(request.fds) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, above) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(moved, request.fds, strict=True):
        os.dup2(file, number)
        os.close(file)


def run(arguments: Sequence[str]) -> None:
    """Run a command as `python` with these arguments would."""
    kind, target, *rest = arguments
    sys.argv = [target if kind == "-m" else kind, *rest]
    if kind == "-m":
        sys.path[0] = str(Path.cwd())
        runpy.run_module(target, run_name="__main__", alter_sys=True)
    else:
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(target, vars(main))


def serve(connection: socket.socket) -> None:
    """Fork; in every forked process, run what it was forked for."""
    while True:
        request, files = next_request(connection)
        connection.close()
        become(request, files)
        # Before it has threads it forks a fork server for what it will spawn itself.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            ours.close()
            for number in set(request.fds) - {0, 1, 2}:
                os.close(number)
            connection = theirs
            continue
        theirs.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if threads := os.environ.get("OMP_NUM_THREADS"):
            torch.set_num_threads(int(threads))  # libgomp has read that of the fork server
        with forking(ForkServer(ours)):
            run(request.arguments)
        return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit.register(fall_silent)
    preload()
    serve(socket.socket(fileno=int(sys.argv[1])))
