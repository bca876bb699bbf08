"""Accuracy against tokens, a curve for each way to select.

Colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from tests.bench.selection.figures import Figures

_STYLES = (
    ("#0072B2", "o", "-"),
    ("#E69F00", "D", "--"),
    ("#D55E00", "s", "-"),
    ("#CC79A7", "^", "-"),
    ("#666666", "o", "-"),
    ("#56B4E9", "v", "--"),
    ("#009E73", "<", "-"),
    ("#000000", ">", ":"),
    ("#F0C000", "P", ":"),
)


def tokens_plot(curves: Mapping[str, Sequence[Figures]]) -> Figure:
    """Each curve's points are its limits of samples, 1, 2, 4, ..."""
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.subplots()
    for (label, rows), (colour, marker, style) in zip(curves.items(), _STYLES, strict=True):
        values = [row.accuracy.value for row in rows]
        axes.errorbar(
            [row.tokens for row in rows],
            values,
            # A percentile interval need not hold the value itself.
            yerr=[
                [max(row.accuracy.value - row.accuracy.low, 0.0) for row in rows],
                [max(row.accuracy.high - row.accuracy.value, 0.0) for row in rows],
            ],
            color=colour,
            marker=marker,
            markersize=5,
            linestyle=style,
            elinewidth=0.8,
            label=label,
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set(
        xlabel="completion tokens to a problem (points: at most 1, 2, 4, ... 32 samples)",
        ylabel="accuracy",
        ylim=(0.2, 1.0),
        title="Accuracy by what it costs, bars: 95 % intervals",
    )
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure
