"""A row with what is to be known of it, from features and verdicts."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from laserve_training.evaluation.samples import SampledProblem
from laserve_training.evaluation.sampling import tabulate
from laserve_training.probe.choose import Choice, choose_regularisation
from laserve_training.probe.features import Features
from laserve_training.probe.fit import Ceiling, RowScore, Solutions, fit_row
from laserve_training.probe.positions import Positions

CEILING = -12.0
"""Nats: what log p(z_c) is not to exceed where text goes on."""
MARGIN = 8.0
"""Nats: how far below the ceiling the fit keeps the places that it sees."""
QUANTILES = (0.5, 0.99, 0.999, 0.9999)


@dataclass(frozen=True, slots=True)
class FittedRow:
    """As it is written: in the type of the output layer."""

    row_D: Tensor
    choice: Choice
    solutions: int
    correct: int
    largest_rounding: float
    """Of a score, by the row's rounding to its type."""
    in_texts: dict[str, float]
    """log p(z_c) in held-out texts: quantiles, `largest`, and how many `places`; nats."""

    @property
    def figures(self) -> dict[str, Any]:
        """What the manifest keeps, as JSON values."""
        return {
            **asdict(self.choice.regularisation),
            "held_out_auroc": self.choice.auroc,
            "held_out_auroc_within_problem": self.choice.auroc_within,
            "solutions": self.solutions,
            "correct": self.correct,
            "largest_rounding_of_a_score": self.largest_rounding,
            "logprob_in_held_out_texts": self.in_texts,
        }


def fit(
    problems: list[SampledProblem], features: Features, score: RowScore, dtype: torch.dtype
) -> FittedRow:
    """The row for these solutions and texts. Raises DataError where none can be fitted."""
    table = tabulate(problems)
    finished_PN = table.scored_PN
    correct_N = torch.from_numpy(table.correct_PN[finished_PN])
    solutions = Solutions(features.ends, correct_N, score)
    choice = choose_regularisation(features.ends, table.correct_PN, finished_PN, score)
    ceiling = Ceiling(features.texts, CEILING - MARGIN, score.logits)
    exact_D = fit_row(solutions, choice.regularisation, ceiling)
    row_D = exact_D.to(dtype)
    written_D = row_D.double()
    rounding_N = score.scores(written_D, features.ends) - score.scores(exact_D, features.ends)
    return FittedRow(
        row_D,
        choice,
        len(correct_N),
        int(correct_N.sum()),
        float(rounding_N.abs().max()),
        _spread(score, written_D, features.held_out),
    )


def _spread(score: RowScore, row_D: Tensor, texts: Positions) -> dict[str, float]:
    logprobs_M = score.logits.logprobs(row_D, texts).numpy()
    return {
        "places": len(logprobs_M),
        **{str(q): float(np.quantile(logprobs_M, q)) for q in QUANTILES},
        "largest": float(logprobs_M.max()),
    }
