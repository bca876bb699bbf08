"""The letter that a text gives as its answer."""

import pytest

from laserve.answers.choice import chosen_letter, sole_letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (B)\n", "B"),
        ("B.", "B"),
        (r"\boxed{B}", "B"),
        (r"\boxed{(B)}", "B"),
        (r"\boxed{\text{B}}", "B"),
        (r"$\boxed{\textbf{(B) } 12}$", "B"),
        (r"\boxed{B. Paris}", "B"),
        ("The answer is (B).", "B"),
        ("the correct answer is B because A is not", "B"),
        ("The answer is: B", "B"),
        ("Answer: B", "B"),
        ("**Answer:** B", "B"),
        ("**Answer**: **(B)**", "B"),
        ("answer is option B", "B"),
        ("The answer is I", "I"),
        ("Answer: A. No, wait. Answer: C", "C"),
        (r"Answer: A. No: \boxed{C}", "C"),
        (r"\boxed{C}. Sorry, the answer is D.", "D"),
        ("A) is wrong, so the answer is C", "C"),
        (r"\boxed{B} as \boxed{12}", "B"),
        ("The answer is a bit hidden", None),
        ("Answer: I think", None),
        ("The answer is Berlin", None),
        ("The answer is not B", None),
        ("Answer A is wrong", None),
        ("The answer is K", None),
        (r"\boxed{12}", None),
        (r"\boxed{a cat}", None),
        ("B or C", None),
        ("", None),
    ],
)
def test_the_last_letter_that_is_given_as_the_answer_counts(text: str, letter: str | None) -> None:
    assert chosen_letter(text) == letter


def test_white_space_without_end_does_not_slow_the_search() -> None:
    for beginning in ("answer", "answer is", "answer:", "answer is option"):
        assert chosen_letter(beginning + " " * 100_000 + "?") is None


def test_letters_in_boxes_inside_boxes_do_not_slow_the_search() -> None:
    depth = 100_000
    assert chosen_letter("\\boxed{B." * depth + "}" * depth) == "B"
    assert chosen_letter("\\boxed{B and " * depth + "}" * depth) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" b\n", "B"),
        ("(J).", "J"),
        ("K", None),
        ("AB", None),
        ("B C", None),
        ("", None),
    ],
)
def test_a_sole_letter_is_all_there_is(text: str, letter: str | None) -> None:
    assert sole_letter(text) == letter
