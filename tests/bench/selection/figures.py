"""What each way to select reaches, and what that costs.

A contestant that draws up to N samples is played on each disjoint block of N successive ones, and
a problem's figure is the mean over its blocks; intervals are by bootstrap over problems.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laserve_training.evaluation.bootstrap import Bootstrap, Interval
from laserve_training.evaluation.metrics import ece
from tests.bench.selection.contestants import Contestant
from tests.bench.selection.line_up import BASELINE
from tests.bench.selection.recording import Drawing, RecordedProblem
from tests.bench.selection.replay import Replayed, replay
from tests.bench.selection.virtual_time import VirtualTimeLoop

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Played:
    """A contestant's selections."""

    contestant: Contestant
    ends: tuple[tuple[Replayed, ...], ...]
    """Of each problem and block."""

    def table(self, value: Callable[[Replayed], float | None]) -> Floats:
        """(problems, blocks) of a value; NaN for None."""
        return np.array(
            [[np.nan if (v := value(end)) is None else v for end in row] for row in self.ends],
            dtype=np.float64,
        )

    def means(self, value: Callable[[Replayed], float | None]) -> Floats:
        """(problems,) means over blocks of a value that is never None."""
        means: Floats = self.table(value).mean(axis=1)
        return means


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of the table."""

    name: str
    n_max: int
    n_parallel: int
    accuracy: Interval
    difference: Interval
    """From the baseline's accuracy, paired by problem."""
    samples: float
    """To a problem."""
    tokens: float
    share: Interval
    """Of the baseline's tokens."""
    steps: float
    """Decoding steps from the start to the answer."""


@dataclass(frozen=True, slots=True)
class Honesty:
    """How far `selection.confidence` can be believed, and what abstaining is worth."""

    name: str
    answer: str
    n_parallel: int
    accuracy: Interval
    confidence: float
    """Mean over the selections."""
    ece_of_mean: Interval
    ece_of_highest: Interval
    """Had it been the highest among the winning answer's samples."""
    abstained: Interval
    """Share of the selections."""
    confidence_of_answered: float
    accuracy_of_answered: Interval
    accuracy_of_abstained: Interval


def play(contestant: Contestant, drawing: Drawing, problems: Sequence[RecordedProblem]) -> Played:
    """Its selections on every block."""
    size = contestant.options.n_max

    async def run() -> tuple[tuple[Replayed, ...], ...]:
        return tuple(
            [
                tuple(
                    [
                        await replay(
                            contestant,
                            problem.samples[first : first + size],
                            seed=problem.seed + first,
                            message_tokens=drawing.message_tokens,
                        )
                        for first in range(0, len(problem.samples) - size + 1, size)
                    ]
                )
                for problem in problems
            ]
        )

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return Played(contestant, runner.run(run()))


def measure(played: Played, baseline: Played, bootstrap: Bootstrap) -> Figures:
    """Accuracy and cost."""
    options = played.contestant.options
    accuracies, tokens = played.means(_correct), played.means(_tokens)
    return Figures(
        name=played.contestant.name,
        n_max=options.n_max,
        n_parallel=options.parallel,
        accuracy=bootstrap.mean(accuracies),
        difference=bootstrap.mean(accuracies - baseline.means(_correct)),
        samples=float(played.means(lambda end: end.samples).mean()),
        tokens=float(tokens.mean()),
        share=bootstrap.ratio_of_means(tokens, baseline.means(_tokens)),
        steps=float(played.means(lambda end: end.steps).mean()),
    )


def measure_honesty(played: Played, bootstrap: Bootstrap) -> Honesty:
    """Calibration and abstention."""
    correct = played.table(_correct)
    mean = played.table(lambda end: end.confidence)
    highest = played.table(lambda end: end.highest_confidence)
    abstained = played.table(lambda end: float(end.abstained))
    is_correct = correct == 1.0
    return Honesty(
        name=played.contestant.name,
        answer=played.contestant.options.answer,
        n_parallel=played.contestant.options.parallel,
        accuracy=bootstrap.mean(correct.mean(axis=1)),
        confidence=float(np.nanmean(mean)),
        ece_of_mean=bootstrap.interval(lambda weights: ece(is_correct, mean, weights)),
        ece_of_highest=bootstrap.interval(lambda weights: ece(is_correct, highest, weights)),
        abstained=bootstrap.mean(abstained.mean(axis=1)),
        confidence_of_answered=float(np.nanmean(mean[abstained == 0.0])),
        accuracy_of_answered=bootstrap.ratio_of_means(
            (correct * (1 - abstained)).sum(axis=1), (1 - abstained).sum(axis=1)
        ),
        accuracy_of_abstained=bootstrap.ratio_of_means(
            (correct * abstained).sum(axis=1), abstained.sum(axis=1)
        ),
    )


def measure_all(
    contestants: Iterable[Contestant],
    drawing: Drawing,
    problems: Sequence[RecordedProblem],
    on_progress: Callable[[], None],
) -> list[Figures]:
    """A row for each, all compared with `BASELINE`; `on_progress` is called after each."""
    bootstrap = Bootstrap(len(problems))
    baseline = play(BASELINE, drawing, problems)
    rows = []
    for contestant in contestants:
        rows.append(measure(play(contestant, drawing, problems), baseline, bootstrap))
        on_progress()
    return rows


def _correct(end: Replayed) -> float:
    return float(end.is_correct)


def _tokens(end: Replayed) -> float:
    return float(end.tokens)
