"""Problems of reasoning_gym: apart by split, scored by the dataset's own scorer."""

import itertools
from collections.abc import Iterator

import pytest
import reasoning_gym

from laserve.errors import ConfigurationError, DataError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.reasoning_gym import ReasoningGymTask, ReasoningGymVerifier

TASK = ReasoningGymTask("chain_sum", {"min_terms": 2, "max_terms": 3})


@pytest.fixture(scope="module")
def factors() -> Iterator[tuple[Problem, ReasoningGymVerifier]]:
    """A problem whose scorer raises on what it cannot read."""
    task = ReasoningGymTask("prime_factorization")
    (problem,) = task.problems(Split.TEST, 1, seed=0)
    yield problem, task.verifier
    task.verifier.close()


def test_problems_are_the_datasets_own() -> None:
    for problem in TASK.problems(Split.TRAIN, 5, seed=0):
        assert problem.question == problem.metadata["question"]
        assert problem.answer == problem.metadata["answer"]
        assert int(problem.answer) == eval(problem.question.partition(":")[2].strip(" =?."))


def test_no_question_is_in_two_splits_or_twice_in_one() -> None:
    drawn = [TASK.problems(split, 50, seed) for split in Split for seed in (0, 1)]
    questions = [{problem.question for problem in problems} for problems in drawn]
    assert all(len(each) == 50 for each in questions)
    by_split = [questions[i] | questions[i + 1] for i in (0, 2, 4)]
    assert not any(a & b for a, b in itertools.combinations(by_split, 2))


def test_the_seed_decides_the_problems() -> None:
    first = TASK.problems(Split.TEST, 10, seed=3)
    again = ReasoningGymTask("chain_sum", {"min_terms": 2, "max_terms": 3})
    assert again.problems(Split.TEST, 10, seed=3) == first
    assert TASK.problems(Split.TEST, 10, seed=4) != first


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        " {}\n",
        r"So \boxed{{1}}, no: \boxed{{{}}}.",
        "<answer>1</answer> or rather <answer>\n{}\n</answer>, I think",
        r"<answer>\boxed{{{}}}</answer> and not \boxed{{1}}",
    ],
)
def test_the_answer_is_found_in_the_completion(
    form: str, factors: tuple[Problem, ReasoningGymVerifier]
) -> None:
    problem, verify = factors
    assert verify(problem, form.format(problem.answer)) is True


@pytest.mark.parametrize(
    "completion",
    ["2", "no idea", "", "(", "1" * 5000, r"\boxed{}", "<answer>" * 100_000, "</answer>2<answer>"],
)
def test_what_is_wrong_or_unreadable_is_incorrect(
    completion: str, factors: tuple[Problem, ReasoningGymVerifier]
) -> None:
    problem, verify = factors
    assert verify(problem, completion) is False


def test_less_than_the_full_score_is_incorrect(
    factors: tuple[Problem, ReasoningGymVerifier],
) -> None:
    problem, verify = factors
    product = str(eval(problem.answer.replace("×", "*")))
    scorer = reasoning_gym.get_score_answer_fn("prime_factorization")
    assert scorer(product, problem.metadata) == 0.5
    assert verify(problem, product) is False


def test_a_scorer_that_tells_tuples_from_lists_gets_them() -> None:
    task = ReasoningGymTask("rearc")
    (problem,) = task.problems(Split.TRAIN, 1, seed=0)
    with_tuples = task.verifier
    assert with_tuples(problem, problem.answer) is True
    with_tuples.close()


def test_a_dataset_without_one_right_answer_gives_an_empty_one() -> None:
    (problem,) = ReasoningGymTask("graph_color").problems(Split.TRAIN, 1, seed=0)
    assert problem.answer == ""


def test_an_unknown_dataset_is_refused_with_close_names() -> None:
    with pytest.raises(ConfigurationError, match="no dataset 'chainsum': did you mean chain_sum"):
        ReasoningGymTask("chainsum")
    with pytest.raises(ConfigurationError, match="no dataset '#'"):
        ReasoningGymTask("#")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"terms": 3}, "unexpected keyword argument 'terms'"),
        ({"min_terms": 0}, "min_terms must be positive"),
        ({"min_terms": "two"}, "not supported between"),
        ({"seed": 1}, "seed cannot be given"),
        ({"size": 1, "seed": 1}, "seed and size cannot be given"),
    ],
)
def test_options_that_are_refused_come_with_the_reason(
    options: dict[str, int | str], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"chain_sum.*{reason}"):
        ReasoningGymTask("chain_sum", dict(options))


def test_too_few_different_problems_are_refused() -> None:
    options = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
    task = ReasoningGymTask("chain_sum", dict(options))
    with pytest.raises(DataError, match=r"gave \d+ different calibration problems in \d+ draws"):
        task.problems(Split.CALIBRATION, 100, seed=0)


def test_problems_without_end_need_a_count() -> None:
    with pytest.raises(ConfigurationError, match="without end: say how many test problems"):
        TASK.problems(Split.TEST, None, seed=0)
