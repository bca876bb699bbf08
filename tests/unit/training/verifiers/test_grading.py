"""What is right for a reference answer: beside public graders, and where a vote is stricter."""

from pathlib import Path

import pytest

from laserve.answers.mathematics.key import math_key
from laserve_training.verifiers.grading import is_right, stated
from tests.unit.tables import read_table

GRADERS = read_table(Path(__file__).with_name("graders.txt"))
OTHERWISE = GRADERS.pop("otherwise")


@pytest.mark.parametrize("grader", GRADERS)
def test_a_public_graders_verdict_is_ours(grader: str) -> None:
    for verdict, reference, answer in GRADERS[grader]:
        assert verdict in ("is", "not")
        assert is_right(reference, answer) is (verdict == "is"), (reference, answer)
        if verdict == "not":
            assert math_key(reference) != math_key(answer), (reference, answer)


@pytest.mark.parametrize("row", OTHERWISE, ids=lambda row: row[2])
def test_where_it_is_not_the_reason_stands_beside_it(row: list[str]) -> None:
    verdict, reference, answer, reason = row
    assert reason
    assert is_right(reference, answer) is (verdict == "not")


@pytest.mark.parametrize(
    ("reference", "answer", "is_correct"),
    [
        # References of MATH500's kinds.
        (r"\$36", "36", True),
        (r"\$32,\!348", "32348", True),
        (r"5\%", "5", True),
        (r"5\%", "0.05", True),
        (r"5\%", "6", False),
        (r"10\text{ cm}", "10", True),
        (r"10\text{ cm}", "0.1 m", True),
        (r"10\text{ cm}", "10 m", False),
        (r"10\text{ cm}", r"10\%", False),
        ("10", "10 cm", True),
        (r"-5\text{ cm}", "-5", True),
        (r"12\text{ cents}", "12", True),
        (r"12\text{ cents}", r"\$0.12", True),
        (r"12\text{ cents}", "12 dozen", False),
        ("x = 2 mod 5", "7 (mod 5)", True),
        ("x = 2 mod 5", "2 mod 7", False),
        (r"\$5/hour", "5", True),
        ("25 °C", "25", True),
        ("25 °C", "77 °F", True),
        ("25 °C", "25 °F", False),
        (r"\text{Evelyn}", "evelyn", True),
        (r"\text{Evelyn}", "Angela", False),
        # Six digits, of what has no end.
        ("1/3", "0.333333", True),
        ("1/3", "0.33333", False),
        (r"\sqrt2", "1.414214", True),
        (r"\sqrt2", "1.4142", False),
        (r"(1,\frac13]", "(1,0.3333333]", True),
        (r"(1,\frac13]", "(1,0.3333333)", False),
        ("1.414214", r"\sqrt2", True),
        # Between two decimal fractions nothing is near enough.
        ("3.1415926", "3.1415927", False),
        ("0.0000012", "0.0000013", False),
        ("12", "12.0000001", False),
        ("1000000", "1000000.5", False),
        ("x=1, y=2", "x=2, y=1", False),
        ("x=1, y=2", "1, 2", True),
        ("B/A=2", "2", True),
        ("B/A=2", "A/B=2", False),
        # What holds in a region of the variable's values does not hold for it.
        ("-5", "|x-3|=8", False),
    ],
)
def test_what_graders_overlook_is_overlooked(reference: str, answer: str, is_correct: bool) -> None:
    assert is_right(reference, answer) is is_correct


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 1/2.", "1/2."),
        ("Answer: $x^2$", "$x^2$"),
        ("So the answer is clear: we get $5$, not 6.", "$5$"),
        (r"We get \(a\), then \[b\] and no more.", r"\[b\]"),
        ("There are 3 of them, of 1,234 in all.", "1234"),
        ("No idea.", ""),
    ],
)
def test_what_a_text_states_is_found(text: str, answer: str) -> None:
    assert stated(text) == answer
