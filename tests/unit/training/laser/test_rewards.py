"""The verifier as a reward: one verdict for each solution, of the problem that it answers."""

from typing import Any

from laserve_training.laser.rewards import VerifierReward
from laserve_training.problem import Problem

EOS = 2
PROBLEMS = [
    Problem(where=f"row {answer}", messages=({"role": "user", "content": "?"},), answer=answer)
    for answer in ("4", "5")
]


def is_answer(problem: Problem, completion: str) -> bool:
    return completion == problem.answer


def verdicts(*solutions: tuple[int, str, list[int]]) -> list[float]:
    """Of (problem, text, token ids)."""
    reward = VerifierReward(PROBLEMS, is_answer, {EOS})
    messages: list[list[dict[str, Any]]] = [
        [{"role": "assistant", "content": text}] for _, text, _ in solutions
    ]
    return reward(
        completions=messages,
        completion_ids=[ids for _, _, ids in solutions],
        problem=[index for index, _, _ in solutions],
        prompts=[],
        trainer_state=None,
    )


def test_each_solution_is_judged_by_its_own_problem() -> None:
    assert verdicts((0, "4", [7, EOS]), (1, "4", [7, EOS]), (1, "5", [8, EOS])) == [1, 0, 1]


def test_a_truncated_solution_is_incorrect_whatever_it_says() -> None:
    assert verdicts((0, "4", [7]), (0, "4", [7, EOS])) == [0, 1]
