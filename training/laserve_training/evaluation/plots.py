"""The plots of a report, as matplotlib figures without global state.

Colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from laserve_training.evaluation.analysis import SELF_REWARD, ConfidenceFigures
from laserve_training.evaluation.bootstrap import Interval
from laserve_training.evaluation.metrics import Figures, Reliability
from laserve_training.evaluation.samples import SampleTable
from laserve_training.evaluation.selection import SelectionFigures

_BLUE, _VERMILLION, _GREEN, _ORANGE, _GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#666666"
_HISTOGRAM_BINS = 40


def reliability_plot(figures: Figures) -> Figure:
    """Accuracy against probability, before and after calibration, over the samples to a bin."""
    figure = Figure(figsize=(6.0, 6.4), layout="constrained")
    curve, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="perfect")
    series = [("raw score, clipped to [0, 1]", figures.raw, _VERMILLION, "o", -0.5)]
    if figures.calibrated is not None:
        series.append(("calibrated confidence", figures.calibrated, _BLUE, "s", 0.5))
    for label, reliability, colour, marker, side in series:
        _draw_reliability(curve, counts, label, reliability, colour, marker, side)
    curve.set(ylabel="share that is correct", ylim=(-0.03, 1.03), title="Reliability")
    curve.legend(loc="upper left", frameon=False)
    counts.set(xlabel="probability of being correct", ylabel="samples", xlim=(-0.03, 1.03))
    counts.set_yscale("symlog", linthresh=1)
    counts.set_ylim(bottom=0)
    for axes in (curve, counts):
        _tidy(axes)
    return figure


def score_histogram(table: SampleTable, threshold: float) -> Figure:
    """Scores of correct and of incorrect samples, each as shares of its kind."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    scores = table.scores_PN[table.scored_PN]
    correct = table.correct_PN[table.scored_PN]
    if scores.size:
        # The score is unbounded below: a few far ones must not squeeze the rest together.
        low, high = np.quantile(scores, [0.005, 0.995])
        edges = np.linspace(min(low, 0.0), max(high, 1.0), _HISTOGRAM_BINS + 1)
        for label, of_kind, colour, hatch in (
            ("incorrect", scores[~correct], _VERMILLION, "//"),
            ("correct", scores[correct], _BLUE, None),
        ):
            axes.hist(
                np.clip(of_kind, edges[0], edges[-1]),
                bins=edges.tolist(),
                weights=np.full(of_kind.size, 1 / max(of_kind.size, 1)),
                histtype="stepfilled",
                alpha=0.45,
                color=colour,
                edgecolor=colour,
                hatch=hatch,
                label=f"{label} ({of_kind.size})",
            )
    axes.axvline(threshold, color=_GREY, linestyle="--", linewidth=1, label="threshold")
    axes.set(
        xlabel="self-reward score (what is outside is counted in the outermost bars)",
        ylabel="share of its kind",
        title="Score of correct and incorrect samples",
    )
    axes.legend(frameon=False)
    _tidy(axes)
    return figure


def selection_plot(selection: Sequence[SelectionFigures]) -> Figure:
    """Accuracy against N with 95 % intervals."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    sizes = [figures.size for figures in selection]
    for label, intervals, colour, marker, style in (
        ("oracle (pass@N)", [f.oracle for f in selection], _GREY, "^", "--"),
        ("weighted majority", [f.weighted_majority for f in selection], _BLUE, "o", "-"),
        ("best of N by score", [f.best_of_n for f in selection], _ORANGE, "D", "-"),
        ("majority", [f.majority for f in selection], _GREEN, "s", "-"),
    ):
        axes.fill_between(
            sizes,
            [interval.low for interval in intervals],
            [interval.high for interval in intervals],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(
            sizes,
            [interval.value for interval in intervals],
            color=colour,
            marker=marker,
            linestyle=style,
            label=label,
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set(
        xlabel="samples N", ylabel="accuracy", title="Accuracy by selection, bands: 95 % intervals"
    )
    axes.legend(frameon=False)
    _tidy(axes)
    return figure


def auroc_plot(confidences: Mapping[str, ConfidenceFigures], problem_only: Interval) -> Figure:
    """AUROC of the score and its rivals, over all samples and within a problem."""
    rows = [*confidences, "problem_only"]
    figure = Figure(figsize=(7.0, 1.4 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = list(range(len(rows)))[::-1]
    overall = [*(figures.auroc for figures in confidences.values()), problem_only]
    within = [figures.auroc_within for figures in confidences.values()]
    _draw_bars(axes, [place + 0.2 for place in places], overall, _ORANGE, "over all samples")
    _draw_bars(axes, [place - 0.2 for place in places[:-1]], within, _BLUE, "within a problem")
    axes.axvline(0.5, color=_GREY, linestyle="--", linewidth=1, label="chance")
    axes.set_yticks(places, [name.replace("_", " ") for name in rows])
    for tick, name in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if name == SELF_REWARD else "normal")
    axes.set(xlabel="AUROC", xlim=(0, 1), title="Which samples are correct? Score and rivals")
    axes.set_ylim(-0.6, len(rows) - 0.4)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    _tidy(axes)
    axes.grid(visible=False, axis="y")
    return figure


def _draw_reliability(
    curve: Axes,
    counts: Axes,
    label: str,
    reliability: Reliability,
    colour: str,
    marker: str,
    side: float,
) -> None:
    bins = [one for one in reliability.bins if one.count]
    # The area of a point grows with its samples: one of few means little.
    curve.scatter(
        [one.probability for one in bins],
        [one.accuracy for one in bins],
        s=[12 + 24 * math.log10(one.count) for one in bins],
        color=colour,
        marker=marker,
        alpha=0.8,
        label=f"{label}, ECE {reliability.ece.value:.3f}",
    )
    # The bars of both series stand side by side in each bin.
    width = 0.4 * (reliability.bins[0].high - reliability.bins[0].low)
    counts.bar(
        [(one.low + one.high) / 2 + side * width for one in bins],
        [one.count for one in bins],
        width=width,
        color=colour,
    )


def _draw_bars(
    axes: Axes, places: Sequence[float], intervals: Sequence[Interval], colour: str, label: str
) -> None:
    """A bar for each interval; none where it is undefined."""
    drawn = [
        (place, interval)
        for place, interval in zip(places, intervals, strict=True)
        if not math.isnan(interval.value)
    ]
    if not drawn:
        return
    axes.barh(
        [place for place, _ in drawn],
        [interval.value for _, interval in drawn],
        height=0.36,
        color=colour,
        label=label,
        # A percentile interval need not hold the value itself.
        xerr=[
            [max(interval.value - interval.low, 0.0) for _, interval in drawn],
            [max(interval.high - interval.value, 0.0) for _, interval in drawn],
        ],
        error_kw={"ecolor": "#222222", "elinewidth": 1, "capsize": 2},
    )


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
