"""How figures look: one theme for light pages and one for dark ones, lines that are labelled where
they end, and files for both.

Hues are Okabe and Ito's, which colour-blind readers can tell apart, as dark or as light as text in
them must be to be read on its page (WCAG 2.2, 4.5 to 1). Series differ by their markers too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from laserve_training.evaluation.bootstrap import Interval

LABEL_GAP = 0.065
"""Between the centres of two labels, as a share of the height of the axes."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure."""

    paper: str
    ink: str
    quiet: str
    """Of what is only compared with."""
    grid: str
    blue: str
    vermillion: str
    purple: str


LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2328",
    quiet="#59636e",
    grid="#e4e8ec",
    blue="#0067a5",
    vermillion="#b34700",
    purple="#8f3f71",
)
DARK = Theme(
    paper="#0d1117",
    ink="#e6edf3",
    quiet="#9aa5b1",
    grid="#262c34",
    blue="#56b4e9",
    vermillion="#ff8f4d",
    purple="#e08fc0",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A series of values with their intervals, and the look of it."""

    label: str
    colour: str
    marker: str
    x: Sequence[float]
    intervals: Sequence[Interval]
    style: str = "-"


def dark(name: str) -> str:
    """The file for dark pages beside the one that is called `name`."""
    path = Path(name)
    return f"{path.stem}-dark{path.suffix}"


def save(folder: Path, name: str, draw: Callable[[Theme], Figure]) -> None:
    """Write a figure for light pages and for dark ones. Raises OSError."""
    for theme, file in ((LIGHT, name), (DARK, dark(name))):
        draw(theme).savefig(folder / file, dpi=150, facecolor=theme.paper)


def picture(name: str, title: str) -> str:
    """The figure in markdown: the file that fits the page."""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark(name)}">'
        f'<img alt="{title}" src="{name}"></picture>'
    )


def draw_line(axes: Axes, line: Line) -> None:
    """Draw the values with bars for their intervals."""
    axes.errorbar(
        line.x,
        [one.value for one in line.intervals],
        yerr=reaches(line.intervals),
        color=line.colour,
        marker=line.marker,
        markersize=5.5,
        linestyle=line.style,
        linewidth=1.4,
        elinewidth=1,
        capsize=2,
    )


def reaches(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far intervals reach below and above their values: a percentile interval need not hold the
    value itself."""
    return [
        [max(one.value - one.low, 0.0) for one in intervals],
        [max(one.high - one.value, 0.0) for one in intervals],
    ]


def label_ends(axes: Axes, lines: Sequence[Line]) -> None:
    """Write each line's label to the right of its end, in its colour. Call it when the limits of
    `axes` are set, on linear heights: labels that would lie on each other are moved apart."""
    low, high = axes.get_ylim()
    ends = [(line.intervals[-1].value - low) / (high - low) for line in lines]
    for line, end, place in zip(lines, ends, spread(ends, LABEL_GAP), strict=True):
        axes.annotate(
            line.label,
            xy=(line.x[-1], low + end * (high - low)),
            xytext=(1.02, place),
            textcoords="axes fraction",
            color=line.colour,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": line.colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 5,
            },
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """`places`, in their order, moved apart as little as it takes to be `gap` from each other:
    those too near form a group around their own mean. The first of equal ones stays on top."""
    order = sorted(range(len(places)), key=lambda i: (places[i], -i))
    groups: list[list[int]] = []
    for i in order:
        group = [i]
        while groups and _low(places, group, gap) < _high(places, groups[-1], gap) + gap:
            group = groups.pop() + group
        groups.append(group)
    found = list(places)
    for group in groups:
        for n, i in enumerate(group):
            found[i] = _low(places, group, gap) + n * gap
    return found


def figure_of(theme: Theme, width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=theme.paper)


def ask(figure: Figure, theme: Theme, question: str) -> None:
    """Give a figure of several parts its question."""
    figure.suptitle(question, x=0.01, ha="left", color=theme.ink, fontweight="bold")


def ticks_at(axes: Axes, numbers: Sequence[int]) -> None:
    """A logarithmic x axis with these ticks, written as numbers."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(list(numbers)))
    axes.xaxis.set_major_formatter(FixedFormatter([str(number) for number in numbers]))
    axes.xaxis.set_minor_locator(NullLocator())


def tidy(axes: Axes, theme: Theme, question: str, *, grid: str = "both") -> None:
    """Give `axes` their title, the theme's colours and thin lines behind what is drawn."""
    axes.set_title(question, loc="left", color=theme.ink, fontweight="bold", fontsize="medium")
    axes.set_facecolor(theme.paper)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(theme.quiet)
    axes.tick_params(colors=theme.ink)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(theme.ink)
    axes.grid(visible=False)
    if grid in ("both", "x"):
        axes.xaxis.grid(visible=True, color=theme.grid, linewidth=0.8)
    if grid in ("both", "y"):
        axes.yaxis.grid(visible=True, color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)


def _low(places: Sequence[float], group: Sequence[int], gap: float) -> float:
    """The lowest place of a group that stands around its mean."""
    return sum(places[i] for i in group) / len(group) - gap * (len(group) - 1) / 2


def _high(places: Sequence[float], group: Sequence[int], gap: float) -> float:
    return _low(places, group, gap) + gap * (len(group) - 1)
