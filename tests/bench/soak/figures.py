"""Figures of a server over time, and whether what it took up it gives back."""

import re
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import psutil

from tests.bench.hot_load.memory import engines, family, workers
from tests.bench.soak.disturbances import equality_processes

MIB = 2**20
GROWTH = 0.05
"""What a process's memory may grow by from the second quarter of a run to the last, as a share:
an allocator keeps what it had. Half of the answers lie between: of 10,000 a leak of 16 KiB for each
would be more in every process."""
FDS = 8
"""More descriptors than before: vLLM keeps two pipes to the process of an engine that has ended,
those of the first engine for good, those of others until the garbage collector finds them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The server at one moment."""

    seconds: float
    """Since the start of this run."""
    done: int
    resident_mib: dict[str, float]
    """By what a process does."""
    descriptors: dict[str, int]
    kv_cache_usage: float
    """0 to 1."""
    running: float
    engines: int


async def figure(session: aiohttp.ClientSession, pid: int, began: float, done: int) -> Figure:
    """Take it now. Raises aiohttp.ClientError where the server does not answer."""
    async with session.get("/metrics") as response:
        metrics = await response.text()
    resident: dict[str, float] = {}
    descriptors: dict[str, int] = {}
    for role, processes in _roles(pid).items():
        for process in processes:
            try:
                size, open_now = process.memory_info().rss / MIB, process.num_fds()
            except psutil.NoSuchProcess:
                continue
            resident[role] = resident.get(role, 0.0) + size
            descriptors[role] = descriptors.get(role, 0) + open_now
    return Figure(
        time.monotonic() - began,
        done,
        {role: round(size, 1) for role, size in resident.items()},
        descriptors,
        _metric(metrics, "vllm:kv_cache_usage_perc"),
        _metric(metrics, "vllm:num_requests_running"),
        len(engines(pid)),
    )


def _roles(pid: int) -> dict[str, list[psutil.Process]]:
    named = {
        "engine": list(engines(pid)),
        "worker": list(workers(pid)),
        "equality": equality_processes(pid),
    }
    known = {process.pid for processes in named.values() for process in processes}
    return named | {"server": [one for one in family(pid) if one.pid == pid and pid not in known]}


def _metric(text: str, name: str) -> float:
    found = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found))


def leaks(figures: list[Figure], before: Figure, after: Figure) -> list[str]:
    """What was not given back: the figures under load, and those at rest before and after."""
    found = []
    if after.kv_cache_usage > before.kv_cache_usage:
        found.append(f"KV cache usage is {after.kv_cache_usage} at rest, and was 0 before")
    for role, count in after.descriptors.items():
        if count > before.descriptors.get(role, 0) + FDS:
            found.append(f"{role}: {count} descriptors, and {before.descriptors.get(role)} before")
    for role, (early, late) in growth(figures).items():
        if late > (1 + GROWTH) * early:
            found.append(f"{role}: grew from {early:.0f} to {late:.0f} MiB")
    return found


def growth(figures: list[Figure]) -> dict[str, tuple[float, float]]:
    """Median memory of each role, MiB, in the second quarter of the figures and in the last; of
    moments with one engine."""
    quarter = len(figures) // 4
    parts: list[Any] = [figures[quarter : 2 * quarter], figures[-quarter:]]
    found = {}
    for role in ("server", "engine", "worker"):  # the others are killed before they can grow
        sizes = [
            [
                one.resident_mib[role]
                for one in part
                if role in one.resident_mib and one.engines == 1
            ]
            for part in parts
        ]
        if all(sizes):
            early, late = (float(np.median(size)) for size in sizes)
            found[role] = early, late
    return found
