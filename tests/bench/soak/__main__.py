"""A long run of mixed requests under disturbances, each answer held against Hugging Face.

    python -m tests.bench.soak [--requests 10000] [--minutes 10] [--concurrency 64] [--fresh]

Starts a server on a tiny model, asks it in every way at a fixed concurrency, goes away from some
answers, kills the processes that work out mathematical answers, and loads another checkpoint and
the first one in turn. What was seen is written to a report as it goes on; started again, it goes on
where it was, `--fresh` begins anew. The exit status is 1 where an answer was wrong, or something
was not given back.
"""

import argparse
import asyncio
import math
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from rich.console import Console
from transformers.utils.logging import disable_progress_bar

from tests.bench.hot_load.loads import Target
from tests.bench.machine import machine_facts
from tests.bench.soak.clients import Clients
from tests.bench.soak.disturbances import kill_now_and_then, load_in_turn
from tests.bench.soak.expected import Expected
from tests.bench.soak.figures import Figure, figure, growth, leaks
from tests.bench.soak.record import Record
from tests.e2e.server import running_server
from tests.tiny_checkpoints.build import build_checkpoint

FLAGS = (
    *("--dtype", "float32"),
    "--enforce-eager",
    *("--max-model-len", "512"),
    "--disable-uvicorn-access-log",
    *("--kv-cache-memory-bytes", str(1 << 28)),
)
EVERY_S = 5.0
"""A figure is taken."""
REST_S = 3.0
"""After the last answer."""


def main() -> int:
    """Run it; returns the exit status."""
    options = _parser().parse_args()
    console = Console()
    disable_progress_bar()
    if options.fresh:
        options.report.unlink(missing_ok=True)
    record = Record.read(options.report)
    if record.done:
        console.print(f"going on after {record.done} requests")
    if record.done < options.requests:
        with tempfile.TemporaryDirectory(prefix="laserve-soak-") as scratch:
            _run(Path(scratch), options, record, console)
    for defect, times in record.defects.most_common(20):
        console.print(f"{times} x {defect}", style="red", markup=False)
    console.print(f"{dict(record.outcomes)}, {dict(record.disturbances)}", markup=False)
    console.print(f"every figure: {options.report}", markup=False)
    return min(record.defects.total(), 1)


def _run(scratch: Path, options: argparse.Namespace, record: Record, console: Console) -> None:
    folders = [scratch / "candidates" / name for name in ("b", "a")]
    for seed, folder in enumerate(folders):
        build_checkpoint(folder, seed=seed, name=f"tiny-{folder.name}")
    staging = scratch / "staging"
    options.report.parent.mkdir(parents=True, exist_ok=True)
    with running_server(
        folders[-1],
        options.report.with_suffix(".log"),
        *FLAGS,
        *("--checkpoint-root", str(folders[0].parent), "--checkpoint-staging", str(staging)),
        installed=True,
    ) as server:
        target = Target(server.base_url, server.model, server.pid, staging)
        asyncio.run(_soak(target, folders, options, record, console))


async def _soak(
    target: Target,
    folders: list[Path],
    options: argparse.Namespace,
    record: Record,
    console: Console,
) -> None:
    began = time.monotonic()
    until = began + 60 * options.minutes
    expected = Expected(folders)
    clients = Clients(target.url, expected, iter(range(record.done, options.requests)), record)
    figures: list[Figure] = []
    run: dict[str, object] = {"machine": machine_facts(), "figures": figures}
    record.runs.append(run)
    async with aiohttp.ClientSession(target.url) as session:
        # Connections, caches and threads are there once it has answered at this concurrency.
        warming = iter(range(-2 * options.concurrency, 0))
        await Clients(target.url, expected, warming, Record()).run(options.concurrency, math.inf)
        await asyncio.sleep(REST_S)
        before = await figure(session, target.pid, began, record.done)
        starting = asyncio.Lock()
        disturbing = [
            asyncio.create_task(kill_now_and_then(target.pid, starting, record.disturbances)),
            asyncio.create_task(
                load_in_turn(target, folders, starting, record.disturbances, record.defects)
            ),
        ]
        asking = asyncio.create_task(clients.run(options.concurrency, until))
        while not asking.done():
            await asyncio.wait(
                [asking, *disturbing], timeout=EVERY_S, return_when="FIRST_COMPLETED"
            )
            figures.append(await figure(session, target.pid, began, record.done))
            record.write(options.report)
            for task in disturbing:
                if task.done():
                    task.result()
        for task in disturbing:
            task.cancel()
        await asyncio.gather(*disturbing, return_exceptions=True)
        await asking
        after = await _at_rest(session, target.pid, began, record.done)
    run |= {"before": before, "after": after, "longest_answer_s": clients.longest_s}
    run["memory_mib"] = growth(figures)
    record.defects.update(leaks(figures, before, after))
    record.write(options.report)
    console.print(run["memory_mib"], before, after, f"longest answer {clients.longest_s:.1f} s")


async def _at_rest(session: aiohttp.ClientSession, pid: int, began: float, done: int) -> Figure:
    """When nothing runs any more, a load neither."""
    while True:
        await asyncio.sleep(REST_S)
        found = await figure(session, pid, began, done)
        async with session.get("/v1/checkpoints") as response:
            loads = (await response.json())["data"]
        if found.engines == 1 and all(job["state"] in ("active", "rejected") for job in loads):
            return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--requests", type=int, default=10_000, help="in all (default %(default)s)")
    add("--minutes", type=float, default=math.inf, help="at most, of this run")
    add("--concurrency", type=int, default=64, help="default %(default)s")
    add("--fresh", action="store_true", help="forget what was done before")
    add(
        "--report",
        type=Path,
        default=Path("build/soak/report.json"),
        help="default %(default)s; the server's log lies beside it",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
