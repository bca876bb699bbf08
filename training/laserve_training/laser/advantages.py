"""What enters the policy gradient when: the phases of training, and the integrated advantage.

    A = (1 - tau) * A_verifier + tau * A_self                         arXiv 2510.14943, section 3

Pure functions of tensors; N is the number of solutions of a whole batch, G to a problem, in order.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Schedule:
    """The phases, by optimizer step, counted from 0."""

    reasoning_warmup_steps: int
    """Steps at the start that train the policy only."""
    self_reward_warmup_steps: int
    """Steps after those that train the score too, and keep it out of the advantage."""
    policy_start_step: int
    """First step with a policy gradient; before it only the score is trained (and the KL term)."""

    def trains_score(self, step: int) -> bool:
        """Whether the score's loss is part of the loss."""
        return step >= self.reasoning_warmup_steps

    def integrates(self, step: int) -> bool:
        """Whether the score is part of the advantage."""
        return step >= self.reasoning_warmup_steps + self.self_reward_warmup_steps

    def trains_policy(self, step: int) -> bool:
        """Whether the advantage counts at all."""
        return step >= self.policy_start_step


def self_reward_advantages(
    scores_N: Tensor, finished_N: Tensor, verifier_N: Tensor, *, group_size: int, min_std: float
) -> Tensor:
    """A_self: scores clipped to [0, 1] and normalised within each group of `group_size`.

    A truncated solution counts as a score of 0. Where the group's standard deviation is at most
    `min_std` the scores say nothing, and the verifier's own advantages `verifier_N` are returned.
    So are they for groups of one, which an evaluation may have.
    """
    if group_size == 1:
        return verifier_N
    clipped = torch.where(finished_N.bool(), scores_N.clamp(0.0, 1.0), torch.zeros_like(scores_N))
    groups = clipped.view(-1, group_size)
    std = groups.std(dim=1, keepdim=True)
    informative = std > min_std
    normalised = (groups - groups.mean(dim=1, keepdim=True)) / torch.where(informative, std, 1.0)
    return torch.where(informative, normalised, verifier_N.view(-1, group_size)).view(-1)


def integrate(verifier_N: Tensor, self_N: Tensor, tau: float) -> Tensor:
    """(1 - tau) * A_verifier + tau * A_self."""
    return (1.0 - tau) * verifier_N + tau * self_N
