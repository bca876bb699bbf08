"""What a server takes up: its processes, their memory, and its folder of copies."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil


def family(pid: int) -> Iterator[psutil.Process]:
    """A process and what it started."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)


def engines(pid: int) -> set[psutil.Process]:
    """The processes in which a server's engines run, by what vLLM's names for them begin with."""
    return _named(pid, "VLLM::EngineCore")


def workers(pid: int) -> set[psutil.Process]:
    """The processes in which its models run."""
    return _named(pid, "VLLM::Worker")


def _named(pid: int, name: str) -> set[psutil.Process]:
    found = set()
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            if "".join(process.cmdline()[:1]).startswith(name):
                found.add(process)
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process and of what it started; what they share counts for each."""
    total = 0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):  # it has ended since
            total += process.memory_info().rss
    return total


def poll_descriptors(pid: int) -> int:
    """How many open descriptors of a process are there to wait at: of event loops, and of the
    threads and sockets of ZeroMQ, by which a server reaches its engines."""
    count = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has been closed since
            count += str(path.readlink()).startswith("anon_inode:[event")
    return count


def folder_bytes(folder: Path) -> int:
    """Size of the files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it has been removed since
            total += path.stat().st_size
    return total
