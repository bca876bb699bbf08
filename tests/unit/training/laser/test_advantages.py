"""Phases, and the advantage that the score is part of."""

import pytest
import torch

from laserve_training.laser.advantages import Schedule, integrate, self_reward_advantages


def advantages(
    scores: list[float],
    finished: list[bool] | None = None,
    verifier: list[float] | None = None,
    min_std: float = 0.1,
) -> list[float]:
    size = len(scores)
    result = self_reward_advantages(
        torch.tensor(scores),
        torch.tensor(finished or [True] * size),
        torch.tensor(verifier or [9.0] * size),
        group_size=4,
        min_std=min_std,
    )
    return [float(value) for value in result]


def test_scores_are_normalised_within_their_group_with_the_sample_deviation() -> None:
    # Mean 0.5, deviations -0.5, -0.1, 0.1, 0.5: std = sqrt(0.52 / 3).
    std = (0.52 / 3) ** 0.5
    expected = [-0.5 / std, -0.1 / std, 0.1 / std, 0.5 / std]
    assert advantages([0.0, 0.4, 0.6, 1.0]) == pytest.approx(expected, abs=1e-6)


def test_scores_are_clipped_to_the_unit_interval_before() -> None:
    assert advantages([-3.0, 0.4, 0.6, 1.4]) == pytest.approx(advantages([0.0, 0.4, 0.6, 1.0]))


def test_a_truncated_solution_counts_as_a_score_of_zero() -> None:
    with_nan = advantages([float("nan"), 0.4, 0.6, 1.0], [False, True, True, True])
    assert with_nan == pytest.approx(advantages([0.0, 0.4, 0.6, 1.0]))


def test_groups_whose_scores_say_nothing_keep_the_verifiers_advantage() -> None:
    mixed = advantages(
        [0.50, 0.51, 0.52, 0.53, 0.0, 0.4, 0.6, 1.0], verifier=[1.0, 2.0, 3.0, 4.0] + [9.0] * 4
    )
    assert mixed[:4] == [1.0, 2.0, 3.0, 4.0]
    assert mixed[4:] == pytest.approx(advantages([0.0, 0.4, 0.6, 1.0]))


def test_a_deviation_of_exactly_the_threshold_says_nothing() -> None:
    # 0, 0, 1, 1 has a sample deviation of sqrt(1/3).
    threshold = float(torch.tensor([0.0, 0.0, 1.0, 1.0]).std())
    assert advantages([0.0, 0.0, 1.0, 1.0], min_std=threshold) == [9.0] * 4


def test_a_group_of_one_keeps_the_verifiers_advantage() -> None:
    verifier = torch.tensor([0.5, -0.5])
    scores = torch.tensor([0.1, 0.9])
    result = self_reward_advantages(scores, torch.ones(2), verifier, group_size=1, min_std=0.1)
    assert result.equal(verifier)


def test_integration_is_the_papers_convex_sum() -> None:
    result = integrate(torch.tensor([1.0, -1.0]), torch.tensor([0.5, 3.0]), tau=0.1)
    assert result.tolist() == pytest.approx([0.95, -0.6])


def test_phases_follow_each_other_as_in_the_paper() -> None:
    schedule = Schedule(reasoning_warmup_steps=2, self_reward_warmup_steps=3, policy_start_step=0)
    assert [schedule.trains_score(step) for step in range(6)] == [False, False, *[True] * 4]
    assert [schedule.integrates(step) for step in range(6)] == [*[False] * 5, True]
    assert all(schedule.trains_policy(step) for step in range(6))


def test_the_policy_can_wait_for_the_score() -> None:
    schedule = Schedule(reasoning_warmup_steps=0, self_reward_warmup_steps=9, policy_start_step=4)
    assert [schedule.trains_policy(step) for step in (0, 3, 4)] == [False, False, True]
    assert schedule.trains_score(0)
