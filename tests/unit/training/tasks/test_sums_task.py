"""Chains of sums: the true result, slips that are carried on, splits."""

import itertools
import re

import pytest

from laserve.errors import ConfigurationError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.sums import SumsTask

TASK = SumsTask()


def faulty_steps(problem: Problem, modulus: int) -> list[int]:
    """Indices of the steps whose result is wrong; each step must go on with what was there."""
    assert problem.completion is not None
    chain, final = problem.completion.split("#")
    first = re.match("[0-9]+", problem.question)
    assert first is not None
    result = first[0]
    rest = problem.question.removesuffix("=")[len(result) :]
    faulty = []
    for index, step in enumerate(chain.split(";")):
        left, right = step.split("=")
        term = left.removeprefix(result)
        assert len(term) < len(left)
        assert rest.startswith(term)
        rest = rest[len(term) :]
        if eval(left) % modulus != int(right):
            faulty.append(index)
        result = right
    assert rest == ""
    assert final == result
    return faulty


@pytest.mark.parametrize("task", [TASK, SumsTask(4, 13)])
@pytest.mark.parametrize("split", Split)
def test_the_answer_is_the_true_result(task: SumsTask, split: Split) -> None:
    for problem in task.problems(split, 50, seed=0):
        assert len(re.findall("[0-9]+", problem.question)) == task.terms
        assert int(problem.answer) == eval(problem.question.removesuffix("=")) % task.modulus


@pytest.mark.parametrize("task", [TASK, SumsTask(4, 13)])
def test_a_demonstration_is_right_or_holds_one_slip_to_a_wrong_result(task: SumsTask) -> None:
    slips = set()
    for problem in task.demonstrations(300, seed=0, correct_share=0.3):
        assert problem.completion is not None
        faulty = faulty_steps(problem, task.modulus)
        assert len(faulty) <= 1
        assert task.verifier(problem, problem.completion) == (not faulty)
        slips.update(faulty)
    assert slips == set(range(task.terms - 1))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_asked_share_of_demonstrations_is_correct(share: float) -> None:
    demonstrations = TASK.demonstrations(2000, seed=1, correct_share=share)
    correct = sum(not faulty_steps(problem, 10) for problem in demonstrations)
    # Four standard deviations of a share of 2000; none where nothing is left to chance.
    assert correct / 2000 == pytest.approx(share, abs=4 * (share * (1 - share) / 2000) ** 0.5)


@pytest.mark.parametrize(
    ("completion", "verdict"),
    [
        ("3+8=1;1-5=6#6", True),
        ("#6", True),
        ("#5#6", True),
        ("6", False),
        ("3+8=1;1-5=6", False),
        ("3+8=1;1-5=6#6 ", False),
        ("3+8=1;1-5=6#06", False),
        ("3+8=1;1-5=6#5", False),
        ("#6#", False),
        ("", False),
    ],
)
def test_the_result_after_the_last_mark_is_what_counts(completion: str, verdict: bool) -> None:
    problem = Problem("here", ({"role": "user", "content": "3+8-5="},), "6")
    assert TASK.verifier(problem, completion) is verdict


@pytest.mark.parametrize("task", [TASK, SumsTask(2, 10)])
def test_no_question_is_in_two_splits(task: SumsTask) -> None:
    questions = [
        {problem.question for problem in task.problems(split, 500, seed=0)} for split in Split
    ]
    assert all(questions)
    assert not any(a & b for a, b in itertools.combinations(questions, 2))
    train = {problem.question for problem in task.demonstrations(200, 3, 0.5)}
    assert not train & (questions[1] | questions[2])


def test_the_seed_decides_the_problems() -> None:
    first = TASK.problems(Split.TEST, 20, seed=7)
    assert TASK.problems(Split.TEST, 20, seed=7) == first
    assert TASK.problems(Split.TEST, 20, seed=8) != first
    assert TASK.demonstrations(9, 7, 0.5) == TASK.demonstrations(9, 7, 0.5)


def test_the_alphabet_is_exactly_what_occurs() -> None:
    texts = [
        problem.question + str(problem.completion) for problem in TASK.demonstrations(200, 0, 0.5)
    ]
    assert TASK.alphabet == "".join(sorted(set("".join(texts))))


def test_problems_without_end_need_a_count() -> None:
    with pytest.raises(ConfigurationError, match="without end: say how many train problems"):
        TASK.problems(Split.TRAIN, None, seed=0)


@pytest.mark.parametrize(
    ("terms", "modulus", "reason"),
    [(1, 10, "at least 2 of each"), (6, 1, "at least 2 of each"), (2, 9, "has 162 questions")],
)
def test_sizes_that_cannot_be_are_refused(terms: int, modulus: int, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"terms={terms} .*{reason}"):
        SumsTask(terms, modulus)
