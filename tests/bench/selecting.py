"""The price of a selection: plain vLLM with n = 8 against LaServe choosing among 8, in one run.

    python -m tests.bench.selecting [--rounds 5] [--concurrency 1 8] [--quick]

The same prompts, seeds and forced lengths for each contestant, in turn, in another order each
round; all have to compute the same tokens, which is checked. Prints the throughput (completion
tokens per second, of all samples) and the median over the rounds of its ratio to plain vLLM's.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from transformers.utils.logging import disable_progress_bar

from tests.bench.contestants import Program
from tests.bench.errors import BenchError
from tests.bench.load import Task, tasks
from tests.bench.machine import machine_facts
from tests.bench.model import build_bench_model
from tests.bench.servers import running
from tests.bench.statistics import paired_ratio

SAMPLES = 8
BASELINE = "vLLM, n=8"
CONTESTANTS: dict[str, tuple[Program, dict[str, Any]]] = {
    BASELINE: ("vllm", {"n": SAMPLES}),
    "LaServe, n=8, scored": ("laserve", {"n": SAMPLES}),
    "LaServe, weighted majority of 8": (
        "laserve",
        {"selection": {"n_max": SAMPLES, "n_parallel": SAMPLES, "adaptive": False}},
    ),
    "LaServe, majority of 8 by math": (
        "laserve",
        {
            "selection": {
                "method": "majority",
                "n_max": SAMPLES,
                "n_parallel": SAMPLES,
                "adaptive": False,
                "answer": "last_number",
                "equality": "math",
            }
        },
    ),
}
LENGTHS = (60, 120)
PROMPT_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Leg:
    """One contestant's answers in one round."""

    seconds: float
    tokens: list[int]
    """Completion tokens of each answer's samples together."""
    texts: list[set[str]]

    @property
    def throughput(self) -> float:
        """Completion tokens per second."""
        return sum(self.tokens) / self.seconds


async def run_leg(url: str, fields: dict[str, Any], work: list[Task], concurrency: int) -> Leg:
    """Ask for every task, `concurrency` at a time."""
    gate = asyncio.Semaphore(concurrency)
    async with httpx.AsyncClient(base_url=url, timeout=600, trust_env=False) as client:

        async def ask(task: Task) -> dict[str, Any]:
            body = {**task.body(fields), "stream": False}
            del body["stream_options"]
            async with gate:
                answer = await client.post("/v1/chat/completions", json=body)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found

        start = time.perf_counter()
        answers = await asyncio.gather(*map(ask, work))
        seconds = time.perf_counter() - start
    return Leg(
        seconds,
        [answer["usage"]["completion_tokens"] for answer in answers],
        [{choice["message"]["content"] for choice in answer["choices"]} for answer in answers],
    )


def check_same_work(name: str, leg: Leg, plain: Leg) -> None:
    """Raise BenchError unless `leg` computed the samples that plain vLLM did."""
    for number, (tokens, expected) in enumerate(zip(leg.tokens, plain.tokens, strict=True)):
        if tokens != expected or not leg.texts[number] <= plain.texts[number]:
            raise BenchError(
                f"{name} and {BASELINE} disagree about request {number}: {tokens} tokens against "
                f"{expected}. There is nothing to compare"
            )


def main() -> int:
    """Run the race; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.selecting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--requests", type=int, default=8, help="per contestant and round")
    parser.add_argument("--quick", action="store_true", help="a tiny model: to see that it runs")
    options = parser.parse_args()
    console = Console()
    disable_progress_bar()
    try:
        legs = _race(options, console)
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        return 1
    _print(console, legs)
    return 0


def _race(options: argparse.Namespace, console: Console) -> dict[int, dict[str, list[Leg]]]:
    most = max(options.concurrency)
    flags = ["--served-model-name", "bench", "--max-model-len", "1024"]
    flags += ["--max-num-seqs", str(2 * most * SAMPLES), "--kv-cache-memory-bytes", str(2**30)]
    flags += ["--max-num-batched-tokens", str(max(1024, 2 * most * SAMPLES * PROMPT_TOKENS))]
    flags += ["--disable-uvicorn-access-log", *(["--enforce-eager"] if options.quick else [])]
    console.print(machine_facts())
    legs: dict[int, dict[str, list[Leg]]] = {}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="laserve-bench-")))
        shape = "tiny" if options.quick else "smollm2-135m"
        model = build_bench_model(scratch / "model", shape)
        programs: tuple[Program, ...] = ("vllm", "laserve")
        servers = {p: stack.enter_context(running(p, model, flags, scratch)) for p in programs}
        for server in servers.values():
            server.wait_until_healthy()
        progress = stack.enter_context(Progress(console=console))
        count = len(CONTESTANTS) * options.rounds * len(options.concurrency)
        bar = progress.add_task("racing", total=count)
        for concurrency in options.concurrency:
            legs[concurrency] = {name: [] for name in CONTESTANTS}
            for number in range(-1, options.rounds):  # the first one warms up
                work = tasks(
                    f"round {number}", options.requests, PROMPT_TOKENS, LENGTHS, temperature=1.0
                )
                names = list(CONTESTANTS)
                turn = number % len(names)
                done = {}
                for name in names[turn:] + names[:turn]:
                    program, fields = CONTESTANTS[name]
                    done[name] = asyncio.run(
                        run_leg(servers[program].url, fields, work, concurrency)
                    )
                    if number >= 0:
                        progress.console.print(
                            f"round {number + 1}, concurrency {concurrency}, {name}: "
                            f"{done[name].throughput:.1f} tokens/s"
                        )
                        progress.advance(bar)
                for name, leg in done.items():
                    check_same_work(name, leg, done[BASELINE])
                    if number >= 0:
                        legs[concurrency][name].append(leg)
    return legs


def _print(console: Console, legs: dict[int, dict[str, list[Leg]]]) -> None:
    table = Table("concurrency", "contestant", "tokens/s, median", "ratio, median", "rounds")
    for concurrency, by_name in legs.items():
        plain = by_name[BASELINE]
        for name, rounds in by_name.items():
            pairs = [(a.throughput, b.throughput) for a, b in zip(rounds, plain, strict=True)]
            ratio = paired_ratio(pairs)
            table.add_row(
                str(concurrency),
                name,
                f"{statistics.median(leg.throughput for leg in rounds):.1f}",
                f"{ratio.median:.3f}",
                f"{ratio.lowest:.2f} to {ratio.highest:.2f}",
            )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
