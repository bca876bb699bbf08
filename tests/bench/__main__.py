"""The price of a score: plain vLLM against LaServe, on the same work, in one run.

    python -m tests.bench [options]

Starts both servers on a random model of SmolLM2-135M's shape, sends each contestant the same
prompts, seeds and forced answer lengths in paired rounds, checks that all return the same answers,
and prints throughput, latency and time to first token as ratios to plain vLLM.
"""

import argparse
import shlex
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import Progress
from transformers.utils.logging import disable_progress_bar

from tests.bench.contestants import CONTESTANTS, Program
from tests.bench.errors import BenchError
from tests.bench.machine import machine_facts
from tests.bench.model import SHAPES, build_bench_model
from tests.bench.race import Course, Measurement, race, warm_up
from tests.bench.report import print_tables, summarise, write_report
from tests.bench.servers import Server, running

PROGRAMS: tuple[Program, ...] = ("vllm", "laserve")
MAX_MODEL_LEN = 1024
CORES = {"VLLM_CPU_NUM_OF_RESERVED_CPU": "0"}
"""Both compute on all cores, as `laserve serve` does on a small machine by itself."""


def main() -> int:
    """Run the race; returns the exit status, 1 where it cannot be run."""
    options = _parser().parse_args()
    console = Console()
    disable_progress_bar()
    try:
        _run(options, console)
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        return 1
    return 0


def _run(options: argparse.Namespace, console: Console) -> None:
    course = _course(options)
    shape = "tiny" if options.quick else options.shape
    flags = [*_server_flags(course, options.quick), *options.flags]
    machine = machine_facts()
    output: Path = options.output
    output.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="laserve-bench-")))
        console.print(f"building the model ({shape}), starting the servers")
        model = build_bench_model(scratch / "model", shape)
        servers: dict[Program, Server] = {
            program: stack.enter_context(running(program, model, flags, output.parent))
            for program in PROGRAMS
        }
        for server in servers.values():
            server.wait_until_healthy()
        progress = stack.enter_context(Progress(console=console))
        legs = course.rounds * len(course.concurrency) * len(CONTESTANTS)
        bar = progress.add_task("racing", total=legs)

        def advance(measurement: Measurement) -> None:
            progress.console.print(
                f"round {measurement.round + 1}, concurrency {measurement.concurrency}, "
                f"{measurement.contestant}: {measurement.throughput:.1f} tokens/s"
            )
            progress.advance(bar)

        async def run() -> list[Measurement]:
            await warm_up(servers, course)
            return await race(servers, course, advance)

        measurements = uvloop.run(run())
    summary = summarise(measurements)
    print_tables(console, summary, course.rounds)
    share = max(measurement.client_share for measurement in measurements)
    console.print(f"the client took at most {share:.0%} of one core")
    content = {
        "command": shlex.join(sys.orig_argv),
        "machine": machine,
        "shape": shape,
        "server_flags": flags,
        "course": asdict(course),
        "summary": summary,
    }
    write_report(output, content, measurements)
    console.print(f"every number: {output}")


def _course(options: argparse.Namespace) -> Course:
    course = Course(
        rounds=options.rounds,
        concurrency=tuple(options.concurrency),
        requests=options.requests,
        prompt_tokens=60,
        lengths=(100, 200),
        temperature=options.temperature,
    )
    if options.quick:
        return replace(course, rounds=1, concurrency=(2,), requests=4, lengths=(8, 16))
    return course


def _server_flags(course: Course, quick: bool) -> list[str]:
    most = max(course.concurrency)
    # Plain vLLM on the CPU dies of a seed in a chunked prefill: all prompts fit into one step.
    batched_tokens = max(MAX_MODEL_LEN, 2 * most * (course.prompt_tokens + 1))
    return [
        *("--served-model-name", "bench"),
        *("--max-model-len", str(MAX_MODEL_LEN)),
        *("--max-num-seqs", str(2 * most)),
        *("--max-num-batched-tokens", str(batched_tokens)),
        *("--kv-cache-memory-bytes", str(2**30)),
        "--disable-uvicorn-access-log",
        *(["--enforce-eager"] if quick else []),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--rounds", type=_positive, default=5, help="paired rounds (default %(default)s)")
    add(
        "--requests",
        type=_positive,
        help="per contestant and round (default 2 x concurrency, from 4 to 64)",
    )
    add(
        "--concurrency",
        type=_positive,
        nargs="+",
        default=[1, 16, 64],
        help="requests under way at a time (default 1 16 64)",
    )
    add("--temperature", type=float, default=1.0, help="0 is greedy (default %(default)s)")
    add("--shape", choices=SHAPES, default="smollm2-135m", help="default %(default)s")
    add("--quick", action="store_true", help="one short round, only to see that all of it runs")
    add(
        "--output",
        type=Path,
        default=Path("build/bench/report.json"),
        help="the report (default %(default)s); the servers' logs go beside it",
    )
    add("flags", nargs="*", help="after --: more flags for both servers")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


if __name__ == "__main__":
    sys.exit(main())
