"""Random system messages in front of demonstrations."""

from laserve_training.problem import Problem
from laserve_training.tasks.system_messages import LONGEST, with_system_messages

PROBLEMS = [
    Problem(f"problem {index}", ({"role": "user", "content": str(index)},), "1")
    for index in range(2000)
]


def test_a_share_of_the_problems_gets_one_and_nothing_else_changes() -> None:
    shown = with_system_messages(PROBLEMS, 0.25, seed=0)
    assert [problem.messages[-1:] for problem in shown] == [one.messages for one in PROBLEMS]
    assert [problem.where for problem in shown] == [one.where for one in PROBLEMS]
    first = [problem.messages[0] for problem in shown if len(problem.messages) == 2]
    assert {message["role"] for message in first} == {"system"}
    # Binomial: 500 expected, one standard deviation is 19.4.
    assert 400 < len(first) < 600


def test_no_share_gives_none() -> None:
    assert with_system_messages(PROBLEMS, 0.0, seed=0) == PROBLEMS


def test_they_are_short_of_many_scripts_and_the_same_for_the_same_seed() -> None:
    shown = with_system_messages(PROBLEMS, 1.0, seed=0)
    texts = [str(problem.messages[0]["content"]) for problem in shown]
    assert all(1 <= len(text.encode()) <= LONGEST for text in texts)
    in_ascii = sum(text.isascii() for text in texts)
    assert 0.7 < in_ascii / len(texts) < 0.9  # 0.75, and a fifth of the rest: 0.8
    assert shown == with_system_messages(PROBLEMS, 1.0, seed=0)
    assert shown != with_system_messages(PROBLEMS, 1.0, seed=1)
