"""The plots of a report, one for each question, as matplotlib figures without global state."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from laserve.core.reliability import wilson_interval
from laserve_training.evaluation.analysis import SELF_REWARD, ConfidenceFigures
from laserve_training.evaluation.bootstrap import Interval
from laserve_training.evaluation.look import (
    Line,
    Theme,
    ask,
    draw_line,
    figure_of,
    label_ends,
    reaches,
    ticks_at,
    tidy,
)
from laserve_training.evaluation.metrics import Figures, Reliability
from laserve_training.evaluation.samples import SampleTable
from laserve_training.evaluation.selection import SelectionFigures

FEW = 10
"""A bin of fewer samples is drawn hollow."""
_HISTOGRAM_BINS = 40


def score_histogram(table: SampleTable, threshold: float, theme: Theme) -> Figure:
    """Scores of correct and of incorrect samples, each as shares of its kind."""
    figure = figure_of(theme, 6.4, 4.0)
    axes = figure.subplots()
    scores = table.scores_PN[table.scored_PN]
    correct = table.correct_PN[table.scored_PN]
    kinds = (
        ("incorrect", scores[~correct], theme.vermillion, "//", 0.02, "left"),
        ("correct", scores[correct], theme.blue, None, 0.98, "right"),
    )
    if scores.size:
        # The score is unbounded below: a few far ones must not squeeze the rest together.
        low, high = np.quantile(scores, [0.005, 0.995])
        edges = np.linspace(min(low, 0.0), max(high, 1.0), _HISTOGRAM_BINS + 1)
        for label, of_kind, colour, hatch, place, side in kinds:
            axes.hist(
                np.clip(of_kind, edges[0], edges[-1]),
                bins=edges.tolist(),
                weights=np.full(of_kind.size, 1 / max(of_kind.size, 1)),
                histtype="stepfilled",
                alpha=0.5,
                color=colour,
                edgecolor=colour,
                hatch=hatch,
            )
            text = f"{label}, {of_kind.size:,}"
            axes.text(place, 0.99, text, color=colour, ha=side, va="top", transform=axes.transAxes)
    axes.axvline(threshold, color=theme.quiet, linestyle="--", linewidth=1)
    axes.annotate(
        "threshold",
        (threshold, 0.9),
        xycoords=axes.get_xaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        color=theme.quiet,
    )
    axes.margins(y=0.16)
    axes.set(
        xlabel="self-reward score (what is outside is counted in the outermost bars)",
        ylabel="share of its kind",
    )
    tidy(axes, theme, "Does the score tell right from wrong?")
    return figure


def reliability_plot(figures: Figures, theme: Theme) -> Figure:
    """Accuracy against probability, before and after calibration, over the samples to a bin."""
    series = [("score as a probability", figures.raw, theme.vermillion, "o")]
    if figures.calibrated is not None:
        series.append(("calibrated confidence", figures.calibrated, theme.blue, "s"))
    figure = figure_of(theme, 0.8 + 4.0 * len(series), 5.6)
    panels = figure.subplots(2, len(series), sharex=True, sharey="row", height_ratios=(3, 1))
    for column, (label, reliability, colour, marker) in enumerate(series):
        curve, counts = panels.reshape(2, len(series))[:, column]
        curve.plot([0, 1], [0, 1], color=theme.quiet, linestyle="--", linewidth=1)
        _draw_reliability(curve, counts, reliability, theme, colour, marker)
        curve.set(xlim=(-0.03, 1.03), ylim=(-0.04, 1.04))
        counts.set_xlabel("probability of being correct")
        counts.set_yscale("symlog", linthresh=1)
        counts.set_ylim(bottom=0)
        tidy(curve, theme, f"{label[0].upper()}{label[1:]}: ECE {reliability.ece}")
        tidy(counts, theme, "")
        if column == 0:
            curve.set_ylabel("share that is correct")
            counts.set_ylabel("samples")
    ask(figure, theme, "Can the probability be believed?")
    figure.supxlabel(
        f"bars: 95 % intervals (Wilson); hollow: fewer than {FEW} samples; dashed: perfect",
        fontsize="small",
        color=theme.quiet,
    )
    return figure


def selection_plot(selection: Sequence[SelectionFigures], theme: Theme) -> Figure:
    """Accuracy against N with 95 % intervals; points of one N stand side by side."""
    figure = figure_of(theme, 7.6, 4.4)
    axes = figure.subplots()
    sizes = [figures.size for figures in selection]
    series = (
        ("best possible (pass@N)", [f.oracle for f in selection], theme.quiet, "^", ":"),
        ("weighted majority", [f.weighted_majority for f in selection], theme.blue, "o", "-"),
        ("best of N by score", [f.best_of_n for f in selection], theme.vermillion, "D", "-"),
        ("majority", [f.majority for f in selection], theme.purple, "s", "-"),
    )
    lines = [
        # Octaves to the side: curves that lie on each other can be told apart.
        Line(label, colour, marker, [size * 2 ** (0.07 * (i - 1.5)) for size in sizes], values, st)
        for i, (label, values, colour, marker, st) in enumerate(series)
    ]
    for line in lines:
        draw_line(axes, line)
    ticks_at(axes, sizes)
    axes.set(xlabel="samples N (bars: 95 % intervals)", ylabel="accuracy")
    tidy(axes, theme, "What does choosing among N samples bring?")
    label_ends(axes, lines)
    return figure


def auroc_plot(
    confidences: Mapping[str, ConfidenceFigures], problem_only: Interval, theme: Theme
) -> Figure:
    """AUROC of the score and its rivals, over all samples and within a problem."""
    rows = [*confidences, "problem_only"]
    figure = figure_of(theme, 7.0, 1.4 + 0.42 * len(rows))
    axes = figure.subplots()
    places = list(range(len(rows)))[::-1]
    overall = [*(figures.auroc for figures in confidences.values()), problem_only]
    within = [figures.auroc_within for figures in confidences.values()]
    both = (
        ("over all samples", overall, theme.vermillion, "D", 0.17),
        ("within a problem", within, theme.blue, "o", -0.17),
    )
    for label, intervals, colour, marker, side in both:
        _draw_points(axes, [place + side for place in places], intervals, colour, marker)
        axes.text(
            1.04,
            places[0] + side,
            label,
            color=colour,
            va="center",
            fontsize="small",
            clip_on=False,
        )
    axes.axvline(0.5, color=theme.quiet, linestyle="--", linewidth=1)
    axes.text(0.5, len(rows) - 0.4, "chance", color=theme.quiet, ha="center", va="bottom")
    axes.set_yticks(places, [name.replace("_", " ") for name in rows])
    axes.set(xlabel="AUROC (bars: 95 % intervals)", xlim=(0, 1.02), ylim=(-0.6, len(rows) - 0.4))
    tidy(axes, theme, "", grid="x")
    for tick, name in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if name == SELF_REWARD else "normal")
    ask(figure, theme, "Which samples are correct? The score and its rivals")
    return figure


def _draw_reliability(
    curve: Axes, counts: Axes, reliability: Reliability, theme: Theme, colour: str, marker: str
) -> None:
    bins = [one for one in reliability.bins if one.count]
    for one in bins:
        curve.errorbar(
            one.probability,
            one.accuracy,
            yerr=reaches([Interval(one.accuracy, *wilson_interval(one.accuracy, one.count))]),
            color=colour,
            marker=marker,
            markersize=7,
            markerfacecolor=theme.paper if one.count < FEW else colour,
            elinewidth=1,
            capsize=2,
        )
    counts.bar(
        [(one.low + one.high) / 2 for one in bins],
        [one.count for one in bins],
        width=[0.8 * (one.high - one.low) for one in bins],
        color=colour,
    )


def _draw_points(
    axes: Axes, places: Sequence[float], intervals: Sequence[Interval], colour: str, marker: str
) -> None:
    """A point for each interval, none where it is undefined, from the highest place on."""
    drawn = [
        (place, interval)
        for place, interval in zip(places, intervals, strict=False)
        if not math.isnan(interval.value)
    ]
    found = [interval for _, interval in drawn]
    axes.errorbar(
        [interval.value for interval in found],
        [place for place, _ in drawn],
        xerr=reaches(found),
        color=colour,
        marker=marker,
        markersize=5.5,
        linestyle="none",
        elinewidth=1,
        capsize=2,
    )
