"""The LaSeR loss, against values worked out by hand and a plain loop over the paper's equations."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laserve_training.laser.loss import (
    ScoredSolutions,
    class_weights,
    score_means,
    self_reward_loss,
    self_reward_scores,
)

TOLERANCE = 1e-6
"""float32 sums of a few terms of size 1."""


def paper_loss(
    logprobs: list[float],
    references: list[float],
    verdicts: list[int],
    finished: list[bool],
    beta_v: float,
) -> float:
    """mean_i( m_i * w_i * (r_s,i - r_v,i)^2 ), written down as it stands in the paper."""
    n_correct = sum(1 for v, m in zip(verdicts, finished, strict=True) if m and v == 1)
    n_incorrect = sum(1 for v, m in zip(verdicts, finished, strict=True) if m and v == 0)
    total = n_correct + n_incorrect
    terms = []
    for logprob, reference, verdict, is_finished in zip(
        logprobs, references, verdicts, finished, strict=True
    ):
        if not is_finished:
            terms.append(0.0)
            continue
        weight = total / (2 * (n_correct if verdict == 1 else n_incorrect))
        terms.append(weight * (beta_v * (logprob - reference) - verdict) ** 2)
    return sum(terms) / len(terms)


def solutions(
    logprobs: list[float], verdicts: list[int], finished: list[bool], c_ref: float, beta_v: float
) -> ScoredSolutions:
    targets = torch.tensor(verdicts, dtype=torch.float32)
    return ScoredSolutions(
        logprobs_B=torch.tensor(logprobs, requires_grad=True),
        reference_B=torch.full((len(logprobs),), c_ref),
        targets_B=targets,
        weights_B=class_weights(targets, torch.tensor(finished)),
        beta_v=beta_v,
    )


def test_class_weights_give_both_classes_the_same_total_and_truncated_solutions_none() -> None:
    verdicts = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    finished = torch.tensor([True, True, True, True, False, False])
    # 4 finished, 1 correct and 3 incorrect: 4 / (2 * 1) and 4 / (2 * 3).
    expected = [2.0, 2 / 3, 2 / 3, 2 / 3, 0.0, 0.0]
    assert class_weights(verdicts, finished).tolist() == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("verdict", [0.0, 1.0])
def test_class_weights_of_a_single_class_are_one_half(verdict: float) -> None:
    weights = class_weights(torch.full((3,), verdict), torch.ones(3, dtype=torch.bool))
    assert weights.tolist() == pytest.approx([0.5] * 3)


def test_class_weights_where_nothing_is_finished_are_zero() -> None:
    assert class_weights(torch.ones(2), torch.zeros(2, dtype=torch.bool)).tolist() == [0.0, 0.0]


def test_the_loss_equals_the_value_worked_out_by_hand() -> None:
    # c_ref -23, beta_v 0.1: scores 0.8 (correct), 0.5 and 0.1 (incorrect), one truncated.
    # Weights 3/2, 3/4, 3/4: (1.5 * 0.04 + 0.75 * 0.25 + 0.75 * 0.01) / 4 = 0.06375.
    finished = [True, True, True, False]
    four = solutions([-15.0, -18.0, -22.0, -3.0], [1, 0, 0, 1], finished, -23.0, 0.1)
    assert self_reward_loss(four).item() == pytest.approx(0.06375, abs=TOLERANCE)
    scores = self_reward_scores(four).detach()
    assert scores[:3].tolist() == pytest.approx([0.8, 0.5, 0.1], abs=TOLERANCE)
    assert score_means(scores, four.targets_B, four.weights_B) == pytest.approx(
        {"self_reward/score_correct": 0.8, "self_reward/score_incorrect": 0.3}, abs=TOLERANCE
    )


def test_a_class_without_a_scored_solution_has_no_mean_score() -> None:
    three = solutions([-18.0, -22.0, -3.0], [0, 0, 1], [True, True, False], -23.0, 0.1)
    scores = self_reward_scores(three).detach()
    means = score_means(scores, three.targets_B, three.weights_B)
    assert means == pytest.approx({"self_reward/score_incorrect": 0.3}, abs=TOLERANCE)


def test_the_gradient_equals_the_derivative_worked_out_by_hand() -> None:
    given_solutions = solutions([-15.0, -18.0], [1, 0], [True, True], -23.0, 0.1)
    self_reward_loss(given_solutions).backward()  # type: ignore[no-untyped-call]
    # d/dlogp = 2 * w * beta_v * (r_s - r_v) / B with w = 1, B = 2.
    gradient = given_solutions.logprobs_B.grad
    assert gradient is not None
    assert gradient.tolist() == pytest.approx([0.1 * -0.2, 0.1 * 0.5], abs=TOLERANCE)


def test_a_truncated_solution_gives_no_loss_and_no_gradient_whatever_its_number() -> None:
    given_solutions = solutions([-15.0, -math.inf], [1, 0], [True, False], -23.0, 0.1)
    loss = self_reward_loss(given_solutions)
    loss.backward()  # type: ignore[no-untyped-call]
    assert math.isfinite(loss.item())
    assert given_solutions.logprobs_B.grad is not None
    assert given_solutions.logprobs_B.grad[1] == 0


rows = st.lists(
    st.tuples(st.floats(-30.0, 0.0, width=32), st.sampled_from([0, 1]), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(rows=rows, c_ref=st.floats(-25.0, -5.0), beta_v=st.floats(0.05, 0.3))
def test_the_loss_equals_the_papers_equations(
    rows: list[tuple[float, int, bool]], c_ref: float, beta_v: float
) -> None:
    logprobs, verdicts, finished = (list(column) for column in zip(*rows, strict=True))
    expected = paper_loss(logprobs, [c_ref] * len(rows), verdicts, finished, beta_v)
    loss = self_reward_loss(solutions(logprobs, verdicts, finished, c_ref, beta_v))
    # Relative: scores reach 7.5, weights 6.
    assert loss.item() == pytest.approx(expected, rel=1e-5, abs=TOLERANCE)


@given(rows=rows)
def test_micro_batches_of_one_size_average_to_the_whole_batchs_loss(
    rows: list[tuple[float, int, bool]],
) -> None:
    rows = rows * 2
    logprobs, verdicts, finished = (list(column) for column in zip(*rows, strict=True))
    whole = solutions(logprobs, verdicts, finished, -12.0, 0.1)
    half = len(rows) // 2
    parts = [
        self_reward_loss(
            ScoredSolutions(
                whole.logprobs_B[part],
                whole.reference_B[part],
                whole.targets_B[part],
                whole.weights_B[part],
                whole.beta_v,
            )
        )
        for part in (slice(0, half), slice(half, None))
    ]
    expected = self_reward_loss(whole).item()
    assert sum(part.item() for part in parts) / 2 == pytest.approx(
        expected, rel=1e-5, abs=TOLERANCE
    )
