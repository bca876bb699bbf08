"""Accuracy against tokens: what the score brings, and what ending early saves."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from laserve_training.evaluation.look import (
    Line,
    Theme,
    draw_line,
    figure_of,
    label_ends,
    ticks_at,
    tidy,
)
from tests.bench.selection.figures import Figures
from tests.bench.selection.line_up import Kind

Curves = Mapping[str, Sequence[Figures]]
"""By label; the points of each are its limits of samples, 1, 2, 4, ..."""

_TICKS = (16, 32, 64, 128, 256, 512)


def tokens_plot(curves: Mapping[Kind, Curves], theme: Theme) -> Figure:
    """Two panels: samples that are chosen among with the score and without it, and where sampling
    ends early. The first curve with the score stands in both."""
    scored, unscored, ending = (curves[kind] for kind in (Kind.SCORED, Kind.UNSCORED, Kind.EARLY))
    figure = figure_of(theme, 11.5, 4.8)
    fixed, early = figure.subplots(1, 2, sharey=True)
    colours = (theme.blue, theme.vermillion, theme.purple)
    lines = _lines(scored, colours, "oDs", "-")
    without = _lines(unscored, (theme.quiet,) * len(unscored), "sv<>P", ":")
    first = next(iter(scored))
    sooner = [
        *_lines({first: scored[first]}, colours, "o", "-"),
        *_lines(ending, colours[1:], "^X", "-"),
    ]
    for axes, drawn in ((fixed, [*lines, *without]), (early, sooner)):
        for line in drawn:
            draw_line(axes, line)
        ticks_at(axes, _TICKS)
        axes.set_xlabel("completion tokens to a problem")
    fixed.set(ylim=(0.2, 1.0), ylabel="accuracy (bars: 95 % intervals)")
    tidy(fixed, theme, "What does the score bring?")
    tidy(early, theme, "What does ending early save?")
    label_ends(fixed, [*lines, *without])
    label_ends(early, sooner)
    figure.supxlabel("points: at most 1, 2, 4, ... 32 samples", fontsize="small", color=theme.quiet)
    return figure


def _lines(curves: Curves, colours: Sequence[str], markers: str, style: str) -> list[Line]:
    """A line for each curve, in the first of the colours and markers."""
    looks = list(zip(colours, markers, strict=False))[: len(curves)]
    return [
        Line(
            label,
            colour,
            marker,
            [row.tokens for row in rows],
            [row.accuracy for row in rows],
            style,
        )
        for (label, rows), (colour, marker) in zip(curves.items(), looks, strict=True)
    ]
