"""Which regularisation a row is fitted with: what scores held-out problems best."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from laserve.errors import DataError
from laserve_training.evaluation.metrics import auroc, problem_aurocs
from laserve_training.evaluation.samples import Bools, Floats
from laserve_training.probe.fit import Regularisation, RowScore, Solutions, fit_row
from laserve_training.probe.positions import Positions

FOLDS = 5
RIDGES = tuple(10.0 ** (power / 2) for power in range(-8, 5))
PRIOR_RIDGES = (1e-4, 1e-3, 1e-2, 1e-1)
NEAR_BEST = 0.01
"""Of the merit: a stronger ridge that costs no more is taken, as it says less in ordinary text."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A regularisation with its figures on problems that its rows were not fitted on."""

    regularisation: Regularisation
    auroc: float
    auroc_within: float
    """Within a problem."""

    @property
    def merit(self) -> float:
        """What is chosen by: the mean of both, or of what there is."""
        return float(np.nanmean([self.auroc, self.auroc_within]))


def choose_regularisation(
    at: Positions, correct_PN: Bools, finished_PN: Bools, score: RowScore
) -> Choice:
    """For solutions `at` their ends, in the order of `finished_PN`: P problems, N samples each.

    Each problem is scored by a row of the other folds' problems. Raises DataError where that cannot
    be.
    """
    problem_M = np.nonzero(finished_PN)[0]
    if len(np.unique(problem_M)) < FOLDS:
        raise DataError(
            f"{len(np.unique(problem_M))} problems have a finished solution, and {FOLDS} are "
            "needed: take more problems, or let solutions be longer (evaluate.max_tokens)"
        )
    correct_M = torch.from_numpy(correct_PN[finished_PN])
    every = [
        Regularisation(ridge, prior_ridge, by_coordinate)
        for by_coordinate, prior_ridge, ridge in product((False, True), PRIOR_RIDGES, RIDGES)
    ]
    scores_CM = torch.empty(len(every), len(correct_M), dtype=torch.float64)
    for fit, held_out in GroupKFold(FOLDS).split(problem_M, groups=problem_M):
        solutions = Solutions(at[torch.from_numpy(fit)], correct_M[fit], score)
        unseen = at[torch.from_numpy(held_out)]
        for number, regularisation in enumerate(every):
            row_D = fit_row(solutions, regularisation)
            scores_CM[number, held_out] = score.scores(row_D, unseen)
    choices = [
        _measure(regularisation, correct_PN, finished_PN, scores_M)
        for regularisation, scores_M in zip(every, scores_CM.numpy(), strict=True)
    ]
    return strongest_near_best(choices)


def strongest_near_best(choices: Sequence[Choice]) -> Choice:
    """The strongest ridge whose merit is near the best, and of those the best."""
    enough = max(choice.merit for choice in choices) - NEAR_BEST
    return max(
        (choice for choice in choices if choice.merit >= enough),
        key=lambda choice: (choice.regularisation.ridge, choice.merit),
    )


def _measure(
    regularisation: Regularisation, correct_PN: Bools, finished_PN: Bools, scores_M: Floats
) -> Choice:
    scores_PN: NDArray[np.float64] = np.full(finished_PN.shape, np.nan)
    scores_PN[finished_PN] = scores_M
    within_P = problem_aurocs(correct_PN, scores_PN)
    is_mixed = ~np.isnan(within_P)
    return Choice(
        regularisation,
        auroc=float(auroc(correct_PN, scores_PN, np.ones((1, len(scores_PN))))[0]),
        auroc_within=float(within_P[is_mixed].mean()) if is_mixed.any() else float("nan"),
    )
