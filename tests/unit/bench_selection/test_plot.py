"""The plot of the ways to select."""

from types import SimpleNamespace
from typing import cast

from laserve_training.evaluation.bootstrap import Interval
from laserve_training.evaluation.look import LIGHT
from tests.bench.selection.figures import Figures
from tests.bench.selection.line_up import CURVES
from tests.bench.selection.plot import tokens_plot


def points(start: float) -> list[Figures]:
    """Of which the plot reads the tokens and the accuracy."""
    return [
        cast(
            "Figures",
            SimpleNamespace(tokens=14 * 2**i, accuracy=Interval(start + 0.1 * i, 0.2, 0.9)),
        )
        for i in range(6)
    ]


def test_every_way_that_is_compared_is_drawn_and_named() -> None:
    curves = {kind: {label: points(0.3) for label in made} for kind, made in CURVES.items()}
    figure = tokens_plot(curves, LIGHT)
    fixed, early = ([text.get_text() for text in axes.texts] for axes in figure.axes)
    labels = [[*made] for made in CURVES.values()]
    assert fixed == [*labels[0], *labels[1]]
    assert early == [labels[0][0], *labels[2]]
