"""The LaSeR loss: the self-reward score is regressed onto the verifier's verdict.

    L = L_GRPO + alpha * mean_i( m_i * w_i * (r_s,i - r_v,i)^2 )        arXiv 2510.14943, section 3

Pure functions of tensors; B is the number of solutions. The mean runs over all of them, truncated
ones included (m_i = 0), as in the authors' code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ScoredSolutions:
    """What the loss is computed from."""

    logprobs_B: Tensor
    """log pi_theta(z_c | x, y) right after the EOS, at temperature 1; nats. Any finite number where
    the solution has no EOS."""
    reference_B: Tensor
    """log pi_ref(z_c | x, y), or c_ref for every solution; nats."""
    targets_B: Tensor
    """The verifier's verdicts r_v: 1 correct, 0 incorrect."""
    weights_B: Tensor
    """m_i * w_i of `class_weights`: 0 where the solution has no EOS."""
    beta_v: float
    """Scale of the score, per nat."""


def class_weights(targets_N: Tensor, finished_N: Tensor) -> Tensor:
    """m_i * w_i over a whole batch of N solutions: both classes get the same total weight.

    With n finished solutions, n_1 of them correct and n_0 incorrect, a correct one weighs
    n / (2 n_1), an incorrect one n / (2 n_0), a truncated one 0 (arXiv 2510.14943, section 3).
    """
    finished = finished_N.float()
    correct = finished * targets_N
    incorrect = finished - correct
    total = finished.sum()
    # A class without a solution divides 0 by 1.
    return correct * total / (2 * correct.sum().clamp(min=1)) + incorrect * total / (
        2 * incorrect.sum().clamp(min=1)
    )


def self_reward_scores(solutions: ScoredSolutions) -> Tensor:
    """(B,) r_s = beta_v * (log p - reference)."""
    return solutions.beta_v * (solutions.logprobs_B - solutions.reference_B)


def self_reward_loss(solutions: ScoredSolutions) -> Tensor:
    """mean_i( m_i * w_i * (r_s,i - r_v,i)^2 ), a scalar with gradient; not yet times alpha."""
    errors = self_reward_scores(solutions) - solutions.targets_B
    # Where nothing is scored the number means nothing; 0 * inf must not reach the sum.
    errors = torch.where(solutions.weights_B > 0, errors, torch.zeros_like(errors))
    return (solutions.weights_B * errors.square()).mean()


def score_means(scores_N: Tensor, targets_N: Tensor, weights_N: Tensor) -> dict[str, float]:
    """The mean score of the correct and of the incorrect solutions of a batch, by what to log it
    as; of the kinds that there are."""
    scored = weights_N > 0
    means = {}
    for name, target in (("correct", 1), ("incorrect", 0)):
        of_class = scored & (targets_N == target)
        if bool(of_class.any()):
            means[f"self_reward/score_{name}"] = float(scores_N[of_class].mean())
    return means
