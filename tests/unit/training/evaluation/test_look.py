"""Figures can be read: on light and on dark pages, and where lines end together."""

from dataclasses import asdict
from itertools import pairwise
from random import Random

import pytest
from matplotlib.colors import to_rgb

from laserve_training.evaluation.look import DARK, LIGHT, Theme, spread

GAP = 0.1


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_in_every_colour_can_be_read_on_its_paper(theme: Theme) -> None:
    paper = luminance(theme.paper)
    for name, colour in asdict(theme).items():
        if name in ("paper", "grid"):
            continue
        darker, lighter = sorted((paper, luminance(colour)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, name


def test_labels_keep_their_distance_and_their_order() -> None:
    random = Random(0)
    for _ in range(200):
        places = [random.random() for _ in range(random.randint(1, 7))]
        moved = spread(places, GAP)
        order = sorted(range(len(places)), key=places.__getitem__)
        assert order == sorted(range(len(moved)), key=moved.__getitem__)
        assert all(b - a >= GAP - 1e-9 for a, b in pairwise(sorted(moved)))
        # None goes farther than it must: the mean stays, as each group's does.
        assert sum(moved) == pytest.approx(sum(places))


def test_labels_that_do_not_touch_stay() -> None:
    assert spread([0.5, 0.1, 0.9], GAP) == pytest.approx([0.5, 0.1, 0.9])


def test_of_labels_at_one_place_the_first_is_on_top() -> None:
    assert spread([0.5, 0.5, 0.2], GAP) == pytest.approx([0.55, 0.45, 0.2])
