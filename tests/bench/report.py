"""The result: a table for each concurrency, and a file with every number behind it."""

import json
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.contestants import BASELINE, CONTESTANTS
from tests.bench.race import Measurement
from tests.bench.statistics import Ratio, paired_ratio

METRICS = {
    "throughput": ("tokens per s", 1.0, ".1f"),
    "latency_p50": ("latency p50, s", 1.0, ".2f"),
    "latency_p99": ("latency p99, s", 1.0, ".2f"),
    "first_token_p50": ("first token p50, ms", 1000.0, ".0f"),
    "first_token_p99": ("first token p99, ms", 1000.0, ".0f"),
    "cpu": ("cpu s, 1000 tokens", 1.0, ".2f"),
}
"""Field of `Measurement`: title with unit, factor to that unit, format."""


def summarise(measurements: list[Measurement]) -> list[dict[str, Any]]:
    """For each concurrency, contestant and metric: the median, and the ratio to plain vLLM."""
    rows = []
    for concurrency in sorted({m.concurrency for m in measurements}):
        leg = [m for m in measurements if m.concurrency == concurrency]
        plain = {m.round: m for m in leg if m.contestant == BASELINE.name}
        for contestant in CONTESTANTS:
            own = [m for m in leg if m.contestant == contestant.name]
            metrics = {}
            for metric in METRICS:
                pairs = [(getattr(m, metric), getattr(plain[m.round], metric)) for m in own]
                metrics[metric] = {
                    "median": statistics.median(value for value, _ in pairs),
                    "ratio": asdict(paired_ratio(pairs)),
                }
            rows.append(
                {"concurrency": concurrency, "contestant": contestant.name, "metrics": metrics}
            )
    return rows


def print_tables(console: Console, summary: list[dict[str, Any]], rounds: int) -> None:
    """One table for each concurrency: plain vLLM in units, the others as ratios to it."""
    for concurrency in sorted({row["concurrency"] for row in summary}):
        rows = {r["contestant"]: r["metrics"] for r in summary if r["concurrency"] == concurrency}
        table = Table(
            title=f"Concurrency {concurrency}: plain vLLM, and ratios to it, median of {rounds}",
            title_justify="left",
        )
        table.add_column("", no_wrap=True)
        for contestant in CONTESTANTS:
            table.add_column(contestant.name, justify="right", no_wrap=True)
        for metric, (title, factor, form) in METRICS.items():
            plain = rows[BASELINE.name][metric]["median"] * factor
            others = [Ratio(**rows[c.name][metric]["ratio"]) for c in CONTESTANTS[1:]]
            table.add_row(title, format(plain, form), *(f"{ratio.median:.3f}" for ratio in others))
            if metric == "throughput":
                table.add_row("  lowest round", "", *(f"{ratio.lowest:.3f}" for ratio in others))
                table.add_row("  highest round", "", *(f"{ratio.highest:.3f}" for ratio in others))
        console.print(table)
    for contestant in CONTESTANTS:
        console.print(f"{contestant.name}: {contestant.explanation}.")


def write_report(path: Path, content: dict[str, Any], measurements: list[Measurement]) -> None:
    """Everything as JSON: what was run, where, the summary and each single measurement."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [measurement.as_json() for measurement in measurements]
    path.write_text(json.dumps({**content, "measurements": rows}, indent=1) + "\n")
