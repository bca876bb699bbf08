"""Verdicts of each verifier, and that no answer can keep one busy."""

import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from laserve.errors import ConfigurationError, DataError
from laserve_training.problem import Problem
from laserve_training.tasks.countdown import CountdownTask
from laserve_training.tasks.files import FileTask
from laserve_training.verifiers import math as verifiers_math
from laserve_training.verifiers.choice import ChoiceVerifier
from laserve_training.verifiers.dotted import load_verifier
from laserve_training.verifiers.exact import is_exact
from laserve_training.verifiers.math import MathVerifier, is_correct
from laserve_training.verifiers.references import check_references
from laserve_training.verifiers.registry import make_verifier

FILE_TASK = FileTask("mine", Path("none.jsonl"))


def problem(answer: str) -> Problem:
    return Problem("line 3 of rows.jsonl", ({"role": "user", "content": "?"},), answer)


# --- exact ---


@pytest.mark.parametrize(
    ("answer", "completion", "verdict"),
    [
        ("New York", "New York", True),
        ("New York", "  New\n York ", True),
        ("New York", r"I say \boxed{New  York}!", True),
        ("New York", r"\boxed{New York} or \boxed{Rome}", False),
        ("New York", "NewYork", False),
        ("New York", "new york", False),
        ("New York", "It is New York", False),
        ("x", "", False),
    ],
)
def test_exact_is_the_whole_text_but_for_white_space(
    answer: str, completion: str, verdict: bool
) -> None:
    assert is_exact(problem(answer), completion) is verdict


# --- choice ---


def test_a_choice_is_right_where_its_letter_is_the_reference_answer() -> None:
    is_chosen = ChoiceVerifier()
    assert is_chosen(problem("B"), r"So it is \boxed{B}.")
    assert is_chosen(problem("(b)"), "B")
    assert not is_chosen(problem("B"), "The answer is A.")
    assert not is_chosen(problem("B"), "no idea")


def test_a_reference_answer_that_is_no_letter_is_refused() -> None:
    with pytest.raises(DataError, match="line 3 of rows.jsonl: the answer 'Paris' is no letter"):
        ChoiceVerifier()(problem("Paris"), "B")


# --- math ---


@pytest.mark.parametrize(
    ("answer", "box"),
    [
        ("3 * 24 = 72.\n#### 72", "72"),
        ("#### 1,234", "1234"),
        ("Yes", "yes"),
        ("Paris", r"\text{Paris}"),
        (r"\text{no solution}", r"\text{no solution}"),
        ("B", "B"),
        (r"\text{June 20}", "June 20"),
        (r"\$36", "36"),
    ],
)
def test_a_reference_that_an_answer_can_equal_is_taken(
    answer: str, box: str, verify_math: MathVerifier
) -> None:
    check_references(verify_math, [problem(answer)])
    assert verify_math(problem(answer), rf"So it is \boxed{{{box}}}.")


@pytest.mark.parametrize(
    "answer",
    [
        "The answer is 5",
        r"The answer is \frac{1}{2}",
        "<answer>5</answer>",
        "['5']",
        "It is 5",
        "First we add them, and then we are done",
        "some text ####",
    ],
)
def test_a_reference_that_no_answer_would_equal_is_refused(
    answer: str, verify_math: MathVerifier
) -> None:
    with pytest.raises(DataError, match=r"line 3 of rows.jsonl: the answer .*`math`"):
        check_references(verify_math, [problem("5"), problem(answer)])


@pytest.fixture(scope="module")
def verify_math() -> Iterator[MathVerifier]:
    with MathVerifier() as verifier:
        yield verifier


@pytest.mark.parametrize(
    ("answer", "completion", "verdict"),
    [
        ("1/2", r"So it is \boxed{\frac{1}{2}}.", True),
        ("0.5", r"\boxed{\frac12}", True),
        (r"$\frac{1}{2}$", r"The answer is \boxed{0.5}", True),
        ("0.00005", r"\boxed{5 \cdot 10^{-5}}", True),
        (r"\boxed{5}", r"\boxed{5.0}", True),
        ("x^2+2x+1", r"\boxed{(x+1)^2}", True),
        (r"\{1, 2\}", r"\boxed{\{2, 1\}}", True),
        ("5", r"\boxed{5} or rather \boxed{6}", False),
        ("6", r"\boxed{5} or rather \boxed{6}", True),
        ("5", r"\boxed{4}", False),
        ("5", "no idea", False),
        ("5", "", False),
        ("5", r"\boxed{}", False),
        ("5", r"\boxed{\frac{}{}}", False),
    ],
)
def test_math_compares_values(
    answer: str, completion: str, verdict: bool, verify_math: MathVerifier
) -> None:
    assert verify_math(problem(answer), completion) is verdict


@pytest.mark.parametrize(
    ("answer", "completion", "verdict"),
    [
        ("3", "I give up after 3 attempts.", True),
        (r"$\frac{1}{2}$", "The answer is 0.5", True),
        ("3", r"I give up after 3 attempts: \boxed{4}", False),
        ("3", "no idea", False),
    ],
)
def test_a_solution_without_a_box_is_searched_by_the_lenient_verifier_only(
    answer: str, completion: str, verdict: bool, verify_math: MathVerifier
) -> None:
    assert verify_math(problem(answer), completion) is False
    with MathVerifier(is_lenient=True) as lenient:
        assert lenient(problem(answer), completion) is verdict
        lenient.check_references([problem(answer)])


def test_math_refuses_a_reference_answer_that_it_cannot_read(verify_math: MathVerifier) -> None:
    with pytest.raises(DataError, match="line 3 of rows.jsonl: the answer '' cannot be read"):
        verify_math(problem(""), r"\boxed{5}")
    assert verify_math(problem("5"), r"\boxed{5}")


def test_math_works_from_any_thread(verify_math: MathVerifier) -> None:
    verdicts = []

    def judge() -> None:
        verdicts.append(verify_math(problem("5"), r"\boxed{5}"))

    threads = [threading.Thread(target=judge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True, True, True]


def test_no_expression_takes_long(verify_math: MathVerifier) -> None:
    assert verify_math(problem("5"), r"\boxed{9^{9^{9^9}}}") is False
    assert verify_math(problem("9^{9^{9^9}}"), r"\boxed{9^{9^{9^9}}}") is True
    assert verify_math.timeouts == 0


ENDLESS = r"\boxed{endless}"


def endless_check(where: str, reference: str, completion: str) -> bool:
    """In the place of the check, as no answer keeps that busy."""
    while completion == ENDLESS:
        pass
    return is_correct(where, reference, completion)


def test_an_endless_check_is_incorrect_and_the_next_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifiers_math, "is_correct", endless_check)
    # Long enough for the checks after it on a busy machine.
    with MathVerifier(timeout_s=2.0) as verifier:
        assert verifier(problem("5"), ENDLESS) is False
        assert verifier.timeouts == 1
        assert verifier(problem("5"), r"\boxed{5}") is True
        assert verifier(problem("5"), r"\boxed{6}") is False
        assert verifier.timeouts == 1


def test_a_closed_verifier_starts_again() -> None:
    verifier = MathVerifier()
    verifier.close()
    assert verifier(problem("5"), r"\boxed{5}") is True
    verifier.close()
    verifier.close()


def test_the_verdict_of_an_interrupted_check_is_not_the_next_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifiers_math, "is_correct", endless_check)

    def interrupt(signal_number: int, frame: object) -> None:
        raise KeyboardInterrupt

    with MathVerifier(timeout_s=60.0) as verifier:
        assert verifier(problem("5"), r"\boxed{5}") is True
        before = signal.signal(signal.SIGUSR1, interrupt)
        timer = threading.Timer(0.5, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                verifier(problem("5"), ENDLESS)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert verifier(problem("5"), r"\boxed{5}") is True
        assert verifier.timeouts == 0


def test_a_time_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="timeout_s=0.0 is not above 0"):
        MathVerifier(timeout_s=0.0)


# --- functions of the user's ---

USER_MODULE = """
def is_short(problem, completion):
    return len(completion) < len(problem.answer)

def one(problem, completion):
    return 1

def half(problem, completion):
    return 0.5

def nothing(problem, completion):
    pass

CONSTANT = 3
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "of_the_user.py").write_text(USER_MODULE)
    (tmp_path / "broken_of_the_user.py").write_text("def (")
    monkeypatch.syspath_prepend(tmp_path)
    yield "of_the_user"
    sys.modules.pop("of_the_user", None)


def test_a_users_function_is_loaded(user_module: str) -> None:
    verify = load_verifier(f"{user_module}:is_short")
    assert verify(problem("abc"), "ab") is True
    assert verify(problem("abc"), "abcd") is False
    assert load_verifier(f"{user_module}:one")(problem("abc"), "") is True


@pytest.mark.parametrize(("name", "returned"), [("half", "0.5"), ("nothing", "None")])
def test_a_verdict_that_is_neither_yes_nor_no_is_refused(
    name: str, returned: str, user_module: str
) -> None:
    verify = load_verifier(f"{user_module}:{name}")
    with pytest.raises(DataError, match=f"{user_module}:{name} returned {returned} for line 3"):
        verify(problem("abc"), "")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere_to_be_found:f", "cannot be imported: No module named 'nowhere_to_be_found'"),
        ("broken_of_the_user:f", "broken_of_the_user cannot be imported: "),
        ("of_the_user:missing", "of_the_user has no missing"),
        ("of_the_user:CONSTANT", "CONSTANT is a int, not a function"),
        (":f", "is not of the form package.module:function"),
        ("of_the_user:", "is not of the form package.module:function"),
    ],
)
def test_what_is_no_function_is_refused_with_the_reason(
    path: str, reason: str, user_module: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        load_verifier(path)


# --- by name ---


def test_verifiers_go_by_their_names(user_module: str) -> None:
    assert make_verifier("exact", FILE_TASK) is is_exact
    assert isinstance(make_verifier("choice", FILE_TASK), ChoiceVerifier)
    assert isinstance(make_verifier("math", FILE_TASK), MathVerifier)
    assert make_verifier("lenient_math", FILE_TASK)(problem("5"), "It is 5")
    assert make_verifier(f"{user_module}:one", FILE_TASK)(problem("5"), "")
    task = CountdownTask()
    assert make_verifier("task", task) == task.verifier


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match="'maths' does not exist.*task, math, lenient_math, exact"
    ):
        make_verifier("maths", FILE_TASK)


def test_a_task_without_a_verifier_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="task mine has no verifier of its own"):
        make_verifier("task", FILE_TASK)


def test_references_of_no_use_are_named_all_at_once() -> None:
    readable = [problem(answer) for answer in (r"\frac{1}{2}", "12", "x=3", r"\$36", "(1,2]")]
    with MathVerifier() as verifier:
        check_references(verifier, readable)
        with pytest.raises(DataError, match="2 rows cannot be used:\n(  line 3 .* ''.*\n?){2}$"):
            check_references(verifier, [problem(""), *readable, problem("")])
    with pytest.raises(DataError, match="(?s)12 rows cannot be used:.*'Paris'.*and 2 more$"):
        check_references(ChoiceVerifier(), [problem("B"), *[problem("Paris")] * 12])
    check_references(is_exact, [problem("")])
