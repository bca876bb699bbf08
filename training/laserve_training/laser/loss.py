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


@dataclass(frozen=True, slots=True)
class SelfRewardLoss:
    """The loss, not yet multiplied by alpha, and what to log of it."""

    loss: Tensor
    """Scalar with gradient."""
    scores_B: Tensor
    """r_s of each solution, without gradient."""
    metrics: dict[str, float]
    """Means over solutions, of the kinds that there are."""


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


def self_reward_loss(solutions: ScoredSolutions) -> SelfRewardLoss:
    """mean_i( m_i * w_i * (r_s,i - r_v,i)^2 ) with r_s = beta_v * (log p - reference)."""
    scores = solutions.beta_v * (solutions.logprobs_B - solutions.reference_B)
    scored = solutions.weights_B > 0
    # Where nothing is scored the number means nothing; 0 * inf must not reach the sum.
    errors = torch.where(scored, scores - solutions.targets_B, torch.zeros_like(scores))
    loss = (solutions.weights_B * errors.square()).mean()
    detached = scores.detach()
    metrics = {"self_reward/loss": float(loss.detach())}
    for name, target in (("correct", 1), ("incorrect", 0)):
        of_class = scored & (solutions.targets_B == target)
        if bool(of_class.any()):
            metrics[f"self_reward/score_{name}"] = float(detached[of_class].mean())
    return SelfRewardLoss(loss=loss, scores_B=detached, metrics=metrics)
