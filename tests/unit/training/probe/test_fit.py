"""The fit of z_c's row against its definition: softmax over all tokens, and autograd."""

import pytest
import torch
from torch import Tensor

from laserve.errors import DataError
from laserve_training.laser.loss import ScoredSolutions, class_weights, self_reward_loss
from laserve_training.probe.fit import Ceiling, Regularisation, RowScore, Solutions, fit_row
from laserve_training.probe.positions import LogitScale, Positions

WIDTH, VOCABULARY, Z_C = 12, 40, 7
SCALES = [LogitScale(), LogitScale(scale=0.25), LogitScale(scale=2.0, cap=60.0)]
CHOICE = Regularisation(ridge=0.05, prior_ridge=0.01, by_coordinate=True)


class Problem:
    """Random hidden states below a random output layer; verdicts that some of them tell."""

    def __init__(self, logits: LogitScale, count: int = 60) -> None:
        generator = torch.Generator().manual_seed(3)
        self.logits = logits
        self.weight_VD = torch.randn(VOCABULARY, WIDTH, dtype=torch.float64, generator=generator)
        self.hidden_ND = torch.randn(count, WIDTH, dtype=torch.float64, generator=generator)
        self.hidden_ND[:, 0] = 3.0  # the same everywhere
        noise_N = torch.randn(count, dtype=torch.float64, generator=generator)
        self.correct_N = self.hidden_ND[:, 1] + noise_N > 0.3
        self.score = RowScore(c_ref=-30.0, beta_v=0.1, logits=logits)

    def logprobs(self, row_D: Tensor) -> Tensor:
        """log p(z_c) by the definition."""
        weight_VD = self.weight_VD.clone()
        weight_VD[Z_C] = row_D
        logits_NV = self.logits.scale * self.hidden_ND @ weight_VD.T
        if self.logits.cap is not None:
            logits_NV = self.logits.cap * torch.tanh(logits_NV / self.logits.cap)
        return logits_NV.log_softmax(-1)[:, Z_C]

    @property
    def at(self) -> Positions:
        logits_NV = self.logits.logits(self.hidden_ND @ self.weight_VD.T)
        logits_NV[:, Z_C] = -torch.inf
        return Positions(self.hidden_ND, logits_NV.logsumexp(-1))

    @property
    def solutions(self) -> Solutions:
        return Solutions(self.at, self.correct_N, self.score)


def minimised(loss: object, start_D: Tensor) -> Tensor:
    """By autograd."""
    row_D = start_D.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [row_D],
        max_iter=4000,
        max_eval=8000,
        history_size=40,
        tolerance_grad=1e-12,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value: Tensor = loss(row_D)  # type: ignore[operator]
        value.backward()  # type: ignore[no-untyped-call]
        return value

    for _ in range(3):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    return row_D.detach()


@pytest.mark.parametrize("logits", SCALES)
def test_log_p_is_that_of_the_softmax_over_all_tokens(logits: LogitScale) -> None:
    problem = Problem(logits)
    row_D = problem.weight_VD[3] / 2
    torch.testing.assert_close(logits.logprobs(row_D, problem.at), problem.logprobs(row_D))


@pytest.mark.parametrize("logits", SCALES)
def test_a_product_gives_the_log_p_that_it_is_for(logits: LogitScale) -> None:
    at = Problem(logits).at
    wanted_N = torch.linspace(-40.0, -0.01, len(at), dtype=torch.float64)
    products_N = logits.products_for(wanted_N, at.others_N)
    # A hidden state of width 1, and the row 1.
    found_N = logits.logprobs(
        torch.ones(1, dtype=torch.float64), Positions(products_N[:, None], at.others_N)
    )
    torch.testing.assert_close(found_N, wanted_N)


@pytest.mark.parametrize("logits", SCALES[:2])
@pytest.mark.parametrize("ceiling", [None, -24.0])
def test_the_row_is_the_minimum_of_the_laser_loss(
    logits: LogitScale, ceiling: float | None
) -> None:
    problem = Problem(logits)
    solutions, score = problem.solutions, problem.score
    prior_D = solutions.prior(CHOICE)
    variances_D = problem.hidden_ND.var(dim=0).clamp(min=1e-6 * problem.hidden_ND.var(dim=0).mean())
    verdicts_N = problem.correct_N.double()
    weights_N = class_weights(verdicts_N, torch.ones_like(verdicts_N))
    # Places of text: other hidden states, of which a sound row would take some for a right answer.
    texts = Problem(logits, count=200)
    unit = score.beta_v * logits.scale

    def loss(row_D: Tensor) -> Tensor:
        solved = self_reward_loss(
            ScoredSolutions(
                problem.logprobs(row_D),
                torch.full_like(verdicts_N, score.c_ref),
                verdicts_N,
                weights_N,
                score.beta_v,
            )
        )
        total = solved + CHOICE.ridge * unit**2 * (variances_D * (row_D - prior_D) ** 2).sum()
        if ceiling is not None:
            excess_M = (texts.logprobs(row_D) - ceiling).clamp(min=0.0)
            total = total + score.beta_v**2 * excess_M.square().sum()
        return total / unit**2

    held = None if ceiling is None else Ceiling(texts.at, ceiling, logits)
    row_D = fit_row(solutions, CHOICE, held)
    if held is not None:
        assert (held.excess(fit_row(solutions, CHOICE)) > 0).sum() > 20
    torch.testing.assert_close(row_D, minimised(loss, prior_D), rtol=1e-4, atol=1e-4)


def test_the_prior_row_gives_every_answer_the_mean_verdict() -> None:
    problem = Problem(LogitScale())
    near = Regularisation(ridge=1.0, prior_ridge=1e-9, by_coordinate=False)
    score, at = problem.score, problem.at
    verdicts_N = problem.correct_N.double()
    weights_N = class_weights(verdicts_N, torch.ones_like(verdicts_N))
    targets_N = score.c_ref + 0.5 / score.beta_v + at.others_N
    root_N = (weights_N.double() / len(weights_N)).sqrt()
    expected_D = torch.linalg.lstsq(
        root_N[:, None] * problem.hidden_ND, (root_N * targets_N)[:, None]
    ).solution[:, 0]
    torch.testing.assert_close(problem.solutions.prior(near), expected_D, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("logits", SCALES)
def test_a_ceiling_holds_z_c_down_in_texts(logits: LogitScale) -> None:
    problem, texts = Problem(logits), Problem(logits, count=2000)
    problem.hidden_ND[:, 2], texts.hidden_ND[:, 2] = 0.0, 6.0  # tells text from an answer's end
    free_D = fit_row(problem.solutions, CHOICE)
    held_D = fit_row(problem.solutions, CHOICE, Ceiling(texts.at, -20.0, logits))
    assert logits.logprobs(free_D, texts.at).max() > -18.0
    assert logits.logprobs(held_D, texts.at).max() < -18.0
    # And the score still tells right from wrong.
    scores_N = problem.score.scores(held_D, problem.at)
    assert scores_N[problem.correct_N].mean() > scores_N[~problem.correct_N].mean() + 0.2


def test_verdicts_of_one_kind_are_refused() -> None:
    problem = Problem(LogitScale())
    with pytest.raises(DataError, match="all 60 finished solutions are correct"):
        Solutions(problem.at, torch.ones(60, dtype=torch.bool), problem.score)


def test_a_soft_cap_that_lets_no_such_score_through_is_refused() -> None:
    problem = Problem(LogitScale(cap=2.0))
    with pytest.raises(DataError, match="soft-cap of 2.0 lets no log p"):
        Solutions(problem.at, problem.correct_N, problem.score)
