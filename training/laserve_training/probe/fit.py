"""The row of z_c that scores a frozen model's answers: the mathematics, on tensors alone.

The row w is what minimises

    mean_i( m_i * (w . h_i - u_i)^2 )             LaSeR's loss, both classes of the same weight m
    + ridge * sum_d( v_d * (w_d - p_d)^2 )        nearness to the prior row p
    + sum_j( max(0, w . h_j - b_j)^2 )            z_c is held down where ordinary text goes on

u_i is the product that gives the score its verdict, 1 after a right answer and 0 after a wrong one:
without a soft-cap beta_v * scale * (w . h_i - u_i) is r_s - r_v of the LaSeR loss (arXiv
2510.14943, section 3), and its square another unit of the same. b_j is the product that gives
log p(z_c) = ceiling.

The prior row gives every answer the mean verdict: it is fitted to that alone, with a ridge of its
own, and so knows what the other tokens' logits do. v_d are the variances of the hidden state's
coordinates, or their mean for all.

The loss is convex and piecewise quadratic: Newton's steps, each over the places of text that are
too probable at present, end at its minimum (Keerthi and DeCoste, JMLR 6, 2005).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from laserve.errors import DataError
from laserve_training.laser.loss import class_weights
from laserve_training.probe.positions import LogitScale, Positions

MAX_STEPS = 100
"""Newton's; ten or so are taken."""
HALVINGS = 40
LEAST_VARIANCE = 1e-6
"""Of a coordinate, relative to their mean: one may be the same everywhere."""
TOLERANCE = 1e-12
"""Of the loss, relative: what a step must gain to be followed by another."""


@dataclass(frozen=True, slots=True)
class RowScore:
    """The constants of the score that the row is fitted for."""

    c_ref: float
    """Nats: log p(z_c) after a wrong answer."""
    beta_v: float
    logits: LogitScale

    def targets(self, verdicts_N: Tensor, others_N: Tensor) -> Tensor:
        """u_i for verdicts between 0 and 1. Raises DataError where the soft-cap lets none through
        that is so large or so small."""
        products_N = self.logits.products_for(self.c_ref + verdicts_N / self.beta_v, others_N)
        if not bool(products_N.isfinite().all()):
            raise DataError(
                f"the model's soft-cap of {self.logits.cap} lets no log p(z_c) of {self.c_ref} to "
                f"{self.c_ref + 1 / self.beta_v:.1f} through: choose another c_ref"
            )
        return products_N

    def scores(self, row_D: Tensor, at: Positions) -> Tensor:
        """(N,) beta_v * (log p(z_c) - c_ref), the self-reward score of arXiv 2510.14943."""
        return self.beta_v * (self.logits.logprobs(row_D, at) - self.c_ref)


@dataclass(frozen=True, slots=True)
class Regularisation:
    """What holds the row back from what is chance in its solutions."""

    ridge: float
    """Relative to the variance of the hidden state's coordinates, as is `prior_ridge`."""
    prior_ridge: float
    by_coordinate: bool
    """Whether each coordinate counts by its own variance, or all by their mean."""


class Ceiling:
    """Places where ordinary text goes on, and what log p(z_c) is not to exceed there."""

    def __init__(self, texts: Positions, logprob: float, logits: LogitScale) -> None:
        """`logprob`: nats. Raises DataError where the soft-cap lets none through that is so low."""
        self.texts = texts
        others_M = texts.others_N.double()
        self.bounds_M = logits.products_for(torch.full_like(others_M, logprob), others_M)
        """b_j; infinite where no row exceeds it."""
        if bool(self.bounds_M.isneginf().any()):
            raise DataError(f"the model's soft-cap of {logits.cap} keeps log p above {logprob}")

    def excess(self, row_D: Tensor) -> Tensor:
        """(M,) max(0, w . h_j - b_j)."""
        hidden_MD = self.texts.hidden_ND
        products_M = (hidden_MD @ row_D.to(hidden_MD.dtype)).double()
        return (products_M - self.bounds_M).clamp(min=0.0)


class Solutions:
    """Judged solutions, and the sums over them that rows are fitted with; float64."""

    def __init__(self, at: Positions, correct_N: Tensor, score: RowScore) -> None:
        """`at`: the places right behind their EOS. Raises DataError where all are of one kind."""
        if bool(correct_N.all()) or not bool(correct_N.any()):
            only = "correct" if bool(correct_N.all()) else "incorrect"
            raise DataError(
                f"all {len(correct_N)} finished solutions are {only}: a score is fitted on both "
                "kinds. Take more problems, or easier or harder ones"
            )
        verdicts_N = correct_N.double()
        hidden_ND, others_N = at.hidden_ND.double(), at.others_N.double()
        weights_N = class_weights(verdicts_N, torch.ones_like(verdicts_N)).double()
        mean_N = torch.full_like(verdicts_N, 0.5)  # of weighted verdicts
        weighted_DN = (weights_N / len(weights_N))[None] * hidden_ND.T
        self.gram_DD = weighted_DN @ hidden_ND
        self.moment_D = weighted_DN @ score.targets(verdicts_N, others_N)
        self.mean_moment_D = weighted_DN @ score.targets(mean_N, others_N)
        variances_D = hidden_ND.var(dim=0)
        self._variances_D = variances_D.clamp(min=LEAST_VARIANCE * float(variances_D.mean()))
        self._priors: dict[tuple[float, bool], Tensor] = {}

    def penalty(self, *, by_coordinate: bool) -> Tensor:
        """(D,) v_d."""
        if by_coordinate:
            return self._variances_D
        return self._variances_D.mean().expand_as(self._variances_D)

    def prior(self, choice: Regularisation) -> Tensor:
        """(D,) the prior row."""
        key = (choice.prior_ridge, choice.by_coordinate)
        if key not in self._priors:
            penalty_D = choice.prior_ridge * self.penalty(by_coordinate=choice.by_coordinate)
            self._priors[key] = _solve(self.gram_DD + penalty_D.diag(), self.mean_moment_D)
        return self._priors[key]


def fit_row(solutions: Solutions, choice: Regularisation, ceiling: Ceiling | None = None) -> Tensor:
    """(D,) the row, float64; without a ceiling its last term is left out."""
    penalty_D = choice.ridge * solutions.penalty(by_coordinate=choice.by_coordinate)
    hessian_DD = solutions.gram_DD + penalty_D.diag()
    moment_D = solutions.moment_D + penalty_D * solutions.prior(choice)
    row_D = _solve(hessian_DD, moment_D)
    return row_D if ceiling is None else _held_down(row_D, hessian_DD, moment_D, ceiling)


def _held_down(row_D: Tensor, hessian_DD: Tensor, moment_D: Tensor, ceiling: Ceiling) -> Tensor:
    """The minimum of w . hessian . w - 2 * moment . w + the ceiling's term, from `row_D` on."""

    def loss(row_D: Tensor, excess_M: Tensor) -> float:
        quadratic = row_D @ hessian_DD @ row_D - 2 * moment_D @ row_D
        return float(quadratic + excess_M.square().sum())

    excess_M = ceiling.excess(row_D)
    value = loss(row_D, excess_M)
    for _ in range(MAX_STEPS):
        above = excess_M > 0
        hidden_AD = ceiling.texts.hidden_ND[above].double()
        step_D = -row_D + _solve(
            hessian_DD + hidden_AD.T @ hidden_AD,
            moment_D + hidden_AD.T @ ceiling.bounds_M[above],
        )
        before = value
        for halving in range(HALVINGS):
            tried_D = row_D + step_D / 2**halving
            tried_excess_M = ceiling.excess(tried_D)
            tried = loss(tried_D, tried_excess_M)
            if tried < value:
                row_D, excess_M, value = tried_D, tried_excess_M, tried
                break
        if before - value <= TOLERANCE * max(abs(value), 1.0):
            break
    return row_D


def _solve(matrix_DD: Tensor, vector_D: Tensor) -> Tensor:
    factor_DD = torch.linalg.cholesky(matrix_DD)
    return torch.cholesky_solve(vector_D[:, None], factor_DD)[:, 0]
