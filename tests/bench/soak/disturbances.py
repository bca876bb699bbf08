"""What happens to a server during a soak: loads of checkpoints, and deaths of the processes that
work out mathematical answers."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import psutil

from tests.bench.hot_load.loads import Load, Mix, Target, load_all
from tests.bench.hot_load.memory import family

LOAD_PAUSE_S = 8.0
KILL_PAUSE_S = (5.0, 15.0)


def equality_processes(pid: int) -> list[psutil.Process]:
    """Those that a server works out mathematical answers in: what it has spawned and vLLM has not
    named."""
    found = []
    for process in family(pid):
        try:
            command = process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if any("spawn_main" in part for part in command):
            found.append(process)
    return found


async def kill_now_and_then(pid: int, starting: asyncio.Lock, told: Counter[str]) -> None:
    """Kill one of the equality processes, until cancelled; not while ``starting`` is held, as an
    engine that starts cannot be told from them."""
    while True:
        await asyncio.sleep(random.uniform(*KILL_PAUSE_S))
        async with starting:
            if found := equality_processes(pid):
                random.choice(found).kill()
                told["equality processes killed"] += 1


async def load_in_turn(
    target: Target,
    folders: Sequence[Path],
    starting: asyncio.Lock,
    told: Counter[str],
    defects: Counter[str],
) -> None:
    """Load the folders in turn, every tenth one side by side, until cancelled; ``starting`` is held
    while an engine starts."""
    for number in count():
        strategy = Mix(Mix.MIXED.strategy(number))
        async with starting if strategy is Mix.SIDE_BY_SIDE else nullcontext():
            folder = folders[number % len(folders)]
            [load] = await load_all(target, [folder], strategy, 1, LOAD_PAUSE_S)
        _tell(load, told, defects)


def _tell(load: Load, told: Counter[str], defects: Counter[str]) -> None:
    state, reason = load.job["state"], load.job["reason"] or ""
    if state == "active":
        told[f"loads {load.strategy}"] += 1
    elif "--load-patience" in reason:  # what it must do where answers take so long
        told[f"loads {load.strategy}, given up for those who wait"] += 1
    else:
        defects[f"a load {load.strategy} was {state}: {reason}"] += 1
