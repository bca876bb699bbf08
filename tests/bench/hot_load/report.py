"""What came of a run, in words and tables."""

from collections import Counter

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.bench.hot_load.run import Outcome
from tests.bench.hot_load.streams import Answer

PHASES = ("queued", "verifying", "loading", "proving")
MIB = 2**20


def print_report(console: Console, outcome: Outcome, before_bytes: int) -> None:
    """Loads, memory, and the latencies of answers during a load and outside of one."""
    console.print(_loads(outcome, before_bytes))
    console.print(_latencies(outcome))
    names = Counter(answer.header for answer in outcome.answers)
    counts = ", ".join(f"{count} of {name}" for name, count in sorted(names.items(), key=str))
    console.print(f"{len(outcome.answers)} answers: {counts}", markup=False)
    console.print(f"/health answered within {outcome.longest_health_check:.2f} s")


def _loads(outcome: Outcome, before_bytes: int) -> Table:
    table = Table(
        title=f"Loads, seconds and MiB; before the first {before_bytes / MIB:.0f} MiB",
        title_justify="left",
    )
    for title in ("", "strategy", *PHASES, "drained", "resident", "copies"):
        table.add_column(title, justify="right")
    for load in outcome.loads:
        seconds = load.job["seconds"]
        spent = sum(seconds.get(phase, 0.0) for phase in PHASES)
        table.add_row(
            load.job["id"],
            load.strategy,
            *(f"{seconds[phase]:.2f}" if phase in seconds else "" for phase in PHASES),
            f"{load.drained - load.began - spent:.2f}",
            f"{load.resident_bytes / MIB:.0f}",
            f"{load.staged_bytes / MIB:.1f}",
        )
    return table


def _latencies(outcome: Outcome) -> Table:
    groups: dict[str, list[Answer]] = {}
    for answer in outcome.answers:
        if answer.failure is None:
            groups.setdefault(_group(answer, outcome), []).append(answer)
    table = Table(title="Answers, seconds", title_justify="left")
    for title in ("", "count", "p50", "p95", "p99", "longest", "first token p99", "longest gap"):
        table.add_column(title, justify="right")
    for name, answers in sorted(groups.items()):
        latencies = [answer.ended - answer.began for answer in answers]
        firsts = [a.first_token - a.began for a in answers if a.first_token is not None]
        table.add_row(
            name,
            str(len(answers)),
            *(f"{value:.2f}" for value in np.percentile(latencies, [50, 95, 99, 100])),
            f"{np.percentile(firsts, 99):.2f}",
            f"{max(answer.longest_gap for answer in answers):.2f}",
        )
    return table


def _group(answer: Answer, outcome: Outcome) -> str:
    for load in outcome.loads:
        if answer.began < load.drained and load.began < answer.ended:
            return f"during a load {load.strategy}"
    return "outside of loads"
