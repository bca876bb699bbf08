"""The ways to select one of N samples, side by side on the demo checkpoint.

    python -m tests.bench.selection [options]

Draws 32 samples of each of 500 held-out problems through the service's engine, once: they are kept
in a file. Plays them to each way to select in virtual time, holds that against selections that the
engine makes itself, and writes `selection.md` and its plot.
"""

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from laserve.offline import open_engine
from laserve_training.evaluation.bootstrap import Bootstrap
from tests.bench.errors import BenchError
from tests.bench.selection.document import Results, write_document
from tests.bench.selection.drawing import ENGINE_FLAGS, draw, plan_drawing
from tests.bench.selection.engine_check import Agreement, compare
from tests.bench.selection.figures import Played, measure_all, measure_honesty, play
from tests.bench.selection.line_up import CHECKED, CURVES, HONEST, NUMBER_TABLE, SIZES, TABLE
from tests.bench.selection.recording import (
    Drawing,
    RecordedProblem,
    read_recording,
    write_recording,
)

DEMO = Path("demo/laserve-countdown")


def main() -> int:
    """Run it; returns the exit status, 1 where it cannot be run."""
    options = _parser().parse_args()
    console = Console()
    try:
        _run(options, console)
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        return 1
    return 0


def _run(options: argparse.Namespace, console: Console) -> None:
    drawing = plan_drawing(options.checkpoint, options.problems)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        problems = read_recording(options.samples, drawing)
        if problems is None:
            problems = asyncio.run(_draw(options.checkpoint, drawing, progress))
            write_recording(options.samples, drawing, problems)
        count = len(TABLE) + len(NUMBER_TABLE) + sum(map(len, CURVES.values())) * len(SIZES)
        bar = progress.add_task("selecting", total=count)
        measured = partial(
            measure_all,
            drawing=drawing,
            problems=problems,
            on_progress=partial(progress.advance, bar),
        )
        checked = [play(contestant, drawing, problems) for contestant in CHECKED]
        results = Results(
            drawing=drawing,
            table=measured(TABLE),
            number_table=measured(NUMBER_TABLE),
            curves={
                kind: {label: measured([make(n) for n in SIZES]) for label, make in of_kind.items()}
                for kind, of_kind in CURVES.items()
            },
            honesties=[
                measure_honesty(play(contestant, drawing, problems), Bootstrap(len(problems)))
                for contestant in HONEST
            ],
            agreements=asyncio.run(
                _check(options.checkpoint, drawing, problems[: options.checked], checked, progress)
            ),
        )
    console.print(f"written: {write_document(options.output, results)}", markup=False)


async def _draw(checkpoint: Path, drawing: Drawing, progress: Progress) -> list[RecordedProblem]:
    bar = progress.add_task("drawing", total=drawing.problems)
    async with open_engine([str(checkpoint), *ENGINE_FLAGS]) as engine:
        return await draw(engine, drawing, partial(progress.advance, bar))


async def _check(
    checkpoint: Path,
    drawing: Drawing,
    problems: list[RecordedProblem],
    checked: list[Played],
    progress: Progress,
) -> list[Agreement]:
    bar = progress.add_task("checking", total=len(checked))
    agreements = []
    async with open_engine([str(checkpoint), *ENGINE_FLAGS]) as engine:
        for played in checked:
            agreements.append(await compare(engine, drawing, problems, played))
            progress.advance(bar)
    return agreements


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.selection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--checkpoint", type=Path, default=DEMO, help="of Countdown (default %(default)s)")
    add("--problems", type=_positive, default=500, help="held-out problems (default %(default)s)")
    add(
        "--checked",
        type=_positive,
        default=50,
        help="problems whose selections the engine makes as well (default %(default)s)",
    )
    add(
        "--samples",
        type=Path,
        default=Path("runs/selection/samples.jsonl"),
        help="where the samples are kept (default %(default)s)",
    )
    add(
        "--output",
        type=Path,
        default=Path("demo"),
        help="folder of selection.md and its plot (default %(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


if __name__ == "__main__":
    sys.exit(main())
