"""Countdown: solvable problems, verdicts like a brute-force reference's, demonstrations."""

import itertools
import re
from collections import defaultdict
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.errors import ConfigurationError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.countdown import CountdownTask

TASK = CountdownTask()


@cache
def every_answer(listed: str, modulus: int) -> dict[str, set[str]]:
    """By result, by trying everything: each order of the numbers with each choice of signs."""
    found = defaultdict(set)
    for order in itertools.permutations(listed.split(",")):
        for signs in itertools.product("+-", repeat=len(order) - 1):
            sofar, text = order[0], ""
            for sign, number in zip(signs, order[1:], strict=True):
                result = str(eval(sofar + sign + number) % modulus)
                text += f"{sofar}{sign}{number}={result};"
                sofar = result
            found[sofar].add(f"{text[:-1]}#{sofar}")
    return dict(found)


def correct_answers(question: str, modulus: int) -> set[str]:
    listed, target = question.split(">")
    return every_answer(listed, modulus).get(target, set())


def numbers_of(problem: Problem) -> tuple[str, ...]:
    return tuple(sorted(problem.question.split(">")[0].split(",")))


@pytest.mark.parametrize("task", [TASK, CountdownTask(4, 7), CountdownTask(2, 13)])
@pytest.mark.parametrize("split", Split)
def test_every_problem_can_be_solved(task: CountdownTask, split: Split) -> None:
    for problem in task.problems(split, 30, seed=1):
        assert correct_answers(problem.question, task.modulus)
        assert problem.question == problem.messages[-1]["content"]
        assert problem.answer == problem.question.split(">")[1] == str(problem.metadata["target"])
        assert problem.where.startswith(f"countdown {split}")


def test_verdicts_on_every_rightly_calculated_answer_are_the_references() -> None:
    for problem in TASK.problems(Split.TEST, 20, seed=2):
        correct = correct_answers(problem.question, 10)
        for texts in every_answer(problem.question.split(">")[0], 10).values():
            for text in texts:
                assert TASK.verifier(problem, text) == (text in correct)


@given(st.data())
def test_verdicts_on_damaged_answers_are_the_references(data: st.DataObject) -> None:
    problem = data.draw(st.sampled_from(TASK.problems(Split.TEST, 20, seed=3)))
    correct = correct_answers(problem.question, 10)
    text = data.draw(st.sampled_from(sorted(correct)))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    put_in = data.draw(st.text("0123456789+-=;# \n٣", max_size=3))
    damaged = text[:start] + put_in + text[end:]
    assert TASK.verifier(problem, damaged) == (damaged in correct)


@pytest.mark.parametrize(
    ("completion", "verdict"),
    [
        ("6+6=2;2-2=0#0", True),
        ("6-2=4;4+6=0#0", True),
        ("6+6=12;12-2=0#0", False),  # not modulo 10
        ("6+6=2;2-2=0#00", False),
        ("06+6=2;2-2=0#0", False),
        ("6+6=2;2-2=0#0\n", False),
        (" 6+6=2;2-2=0#0", False),
        ("6+6=2;2-2=0", False),
        ("#0", False),
        ("0", False),
        ("", False),
        ("6+6=2#2", False),  # a number is left
        ("2-2=0#0", False),  # one that is not there
        ("6+6=2;2-2=1#0", False),
        ("6+6=2;6-6=0#0", False),
        ("6+6=2;3-2=0#0", False),  # does not go on with the last result
        ("9" * 10_000 + "+6=2#0", False),
    ],
)
def test_an_answer_must_be_of_the_very_form(completion: str, verdict: bool) -> None:
    problem = Problem(
        "here", ({"role": "user", "content": "2,6,6>0"},), "0", {"numbers": [2, 6, 6], "target": 0}
    )
    assert TASK.verifier(problem, completion) is verdict


@pytest.mark.parametrize("task", [TASK, CountdownTask(4, 5)])
def test_no_set_of_numbers_is_in_two_splits(task: CountdownTask) -> None:
    sets = [set(map(numbers_of, task.problems(split, 2000, seed=0))) for split in Split]
    assert all(sets)
    assert not any(a & b for a, b in itertools.combinations(sets, 2))


def test_the_splits_are_three_quarters_a_tenth_and_the_rest() -> None:
    sets = [set(map(numbers_of, TASK.problems(split, 4000, seed=0))) for split in Split]
    assert list(map(len, sets)) == [165, 22, 33]


def test_the_seed_decides_the_problems() -> None:
    first = TASK.problems(Split.TRAIN, 50, seed=7)
    assert TASK.problems(Split.TRAIN, 50, seed=7) == first
    assert TASK.problems(Split.TRAIN, 50, seed=8) != first
    assert TASK.demonstrations(9, 7, 0.5) == TASK.demonstrations(9, 7, 0.5)


def test_problems_without_end_need_a_count() -> None:
    with pytest.raises(ConfigurationError, match="without end: say how many test problems"):
        TASK.problems(Split.TEST, None, seed=0)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_demonstrations_calculate_rightly_and_the_asked_share_solves(share: float) -> None:
    demonstrations = TASK.demonstrations(2000, seed=5, correct_share=share)
    by_chance = 0.0
    solved = 0
    for problem in demonstrations:
        assert problem.completion is not None
        result = problem.completion.split("#")[1]
        own = replace(problem, answer=result)
        assert TASK.verifier(own, problem.completion)
        solved += TASK.verifier(problem, problem.completion)
        every = every_answer(problem.question.split(">")[0], 10).values()
        by_chance += len(correct_answers(problem.question, 10)) / sum(map(len, every))
    expected = share + (1 - share) * by_chance / len(demonstrations)
    # Four standard deviations of a share of 2000.
    assert solved / len(demonstrations) == pytest.approx(expected, abs=4 * (0.25 / 2000) ** 0.5)


def test_demonstrations_are_of_the_train_split() -> None:
    train = set(map(numbers_of, TASK.problems(Split.TRAIN, 4000, seed=0)))
    assert set(map(numbers_of, TASK.demonstrations(500, seed=1, correct_share=0.2))) <= train


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="correct_share=.* is not from 0 to 1"):
        TASK.demonstrations(1, 0, share)


@pytest.mark.parametrize("task", [TASK, CountdownTask(3, 5), CountdownTask(3, 12)])
def test_the_alphabet_is_exactly_what_occurs(task: CountdownTask) -> None:
    texts = [
        problem.question + str(problem.completion)
        for problem in task.demonstrations(500, seed=0, correct_share=0.5)
    ]
    assert task.alphabet == "".join(sorted(set("".join(texts))))


@pytest.mark.parametrize(
    ("numbers", "modulus", "reason"),
    [
        (1, 10, "give 2 to 5 numbers"),
        (6, 10, "give 2 to 5 numbers"),
        (3, 1, "a modulus of at least 2"),
        (2, 2, "too few sets of numbers"),
        (5, 1000, "give a smaller modulus"),
    ],
)
def test_sizes_that_cannot_be_are_refused(numbers: int, modulus: int, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"numbers={numbers} .*{re.escape(reason)}"):
        CountdownTask(numbers, modulus)
