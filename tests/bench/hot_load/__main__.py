"""Loads of two checkpoints in turn under continuous load.

    python -m tests.bench.hot_load [--loads 20] [--strategy mixed] [--streams 32]

Starts a server on a tiny model, streams chat completions from it without a pause, and loads another
checkpoint and the first one in turn. Holds every score against Hugging Face's for the checkpoint
that the answer names. The exit status is 1 where an answer failed or is wrong, or a load was
rejected.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from transformers.utils.logging import disable_progress_bar

from tests.bench.errors import BenchError
from tests.bench.hot_load.loads import Mix, Target
from tests.bench.hot_load.memory import resident_bytes
from tests.bench.hot_load.references import References
from tests.bench.hot_load.report import print_report
from tests.bench.hot_load.run import Outcome, Plan, defects, run
from tests.bench.machine import machine_facts
from tests.e2e.server import running_server
from tests.tiny_checkpoints.build import build_checkpoint

FLAGS = (
    *("--dtype", "float32"),
    "--enforce-eager",
    *("--max-model-len", "512"),
    "--disable-uvicorn-access-log",
)


def main() -> int:
    """Run it; returns the exit status."""
    options = _parser().parse_args()
    console = Console()
    disable_progress_bar()
    plan = Plan(options.loads, options.strategy, options.streams)
    try:
        with tempfile.TemporaryDirectory(prefix="laserve-bench-") as scratch:
            found = _run(Path(scratch), plan, options.log, console)
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        return 1
    for defect, count in Counter(found).most_common(20):
        console.print(f"{count} x {defect}", style="red", markup=False)
    console.print(f"{len(found)} failed or wrong")
    return min(len(found), 1)


def _run(scratch: Path, plan: Plan, log: Path, console: Console) -> list[str]:
    console.print(f"machine: {machine_facts()}", markup=False)
    folders = [scratch / "candidates" / name for name in ("b", "a")]
    for seed, folder in enumerate(folders):
        build_checkpoint(folder, seed=seed, name=f"tiny-{folder.name}")
    staging = scratch / "staging"
    log.parent.mkdir(parents=True, exist_ok=True)
    with running_server(
        folders[-1],
        log,
        *FLAGS,
        *("--checkpoint-root", str(folders[0].parent), "--checkpoint-staging", str(staging)),
        *("--kv-cache-memory-bytes", str(1 << 30)),
        installed=True,
    ) as server:
        target = Target(server.base_url, server.model, server.pid, staging)
        before = resident_bytes(server.pid)
        outcome: Outcome = asyncio.run(run(target, folders, plan))
    print_report(console, outcome, before)
    return defects(outcome, References(folders))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.hot_load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--loads", type=_positive, default=20, help="default %(default)s")
    add(
        "--strategy",
        type=Mix,
        choices=list(Mix),
        default=Mix.MIXED,
        help="mixed: every tenth one side by side (default)",
    )
    add("--streams", type=_positive, default=32, help="requests under way (default %(default)s)")
    add(
        "--log",
        type=Path,
        default=Path("build/bench/hot_load.log"),
        help="the server's log (default %(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


if __name__ == "__main__":
    sys.exit(main())
