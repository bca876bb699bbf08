"""The letter that a text gives as its answer."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("THE ANSWER IS C", "C"),
        ("ANSWER: b", "B"),
        ("answer is (b).", "B"),
        ("the answer is c because of that", "C"),
        ("the correct answer is: B", "B"),
        ("the answer's B", "B"),
        ("Answer = C", "C"),
        ("Answer -> C", "C"),
        ("Answer - C", "C"),
        ("Ans. (C)", "C"),
        ("Answer (B)", "B"),
        ("### Final Answer\n\n**B**", "B"),
        ("## Answer\n(C) Paris", "C"),
        ("Answer:\n\n- **B) Paris**", "B"),
        ("The answer would be (D)", "D"),
        ("The answer is therefore most likely option (E).", "E"),
        ("The answer to the question of what he ate is B.", "B"),
        ("The correct answer, as shown above, is B.", "B"),
        ("The correct answer isn't A, it is B.", "B"),
        ("The best choice is D because the others fail", "D"),
        ("Correct Answer: Option (C)", "C"),
        ("My final choice is (D)", "D"),
        ("Hence the required option is B", "B"),
        ('{"answer": "B"}', "B"),
        ('{"final_answer": "B", "reason": "A man"}', "B"),
        ("<choice>B</choice>", "B"),
        ("| Answer | B |", "B"),
        ("It's B.", "B"),
        ("The answer is, of course, the third option, C.", "C"),
        ("答案：Ⓑ", "B"),
        ("So it is.\n<answer>D</answer>", "D"),
        ("The answer is B</s>", "B"),
        ("The answer is B<|im_end|>", "B"),
        # As a sentence of its own
        ("Option B is correct.", "B"),
        ("Only B is correct", "B"),
        ("A is wrong and B is correct.", "B"),
        ("B would be the best choice.", "B"),
        ("(B) Paris is the correct answer.", "B"),
        ("Option B (Paris) is the correct answer.", "B"),
        ("I would go with option B.", "B"),
        ("I choose C", "C"),
        ("I'd pick B.", "B"),
        ("I think it's B.", "B"),
        ("So the result is 5.\n\nB", "B"),
        ("So the result is 5.\n**(D)**", "D"),
        # The last of several
        ("The answer is A. Wait, B is correct.", "B"),
        ("B is correct... no: the answer is C.", "C"),
        ("The answer is B, not A.", "B"),
        ("The answer is B. C is correct only if he lies.", "B"),
        ("The answer is B. If he lies, then C is correct.", "B"),
        ("The answer is B. Is it so that C is the right answer? No.", "B"),
        ("Let me check option A. It fails. So the answer is option B.", "B"),
        # Without a statement
        ("B. Paris", "B"),
        ("(B) because of that", "B"),
        ("D. none of the above", "D"),
        ("B\n\nBecause it is so.", "B"),
        ("We get 12, which is option D.", "D"),
        ("Therefore, B.", "B"),
        ("A and B are out. That leaves C.", "C"),
        # The letter A, and what is none
        ("The answer is A because B is wrong.", "A"),
        ("Answer: A. Paris", "A"),
        ("Answer: A - Paris", "A"),
        ("The answer is A (the first one)", "A"),
        ("Answer: A man walks in", None),
        ("THE ANSWER IS A MAN", None),
        ("Answer: A Tale of Two Cities", None),
        ("A good answer needs thought.", None),
        ("I choose a book", None),
        ("Option: A man", None),
        ("Unanswered: B is missing", None),
        ("I, as a model, cannot say.", None),
        ("Answer: I don't know", None),
        # Parts of names and formulas
        ("The answer is C++.", None),
        ("The answer is C#.", None),
        ("The answer is e-mail", None),
        ("The answer is B-tree", None),
        ("Answer: C. S. Lewis", None),
        ("The answer is A.I.", None),
        ("The answer is F = ma", None),
        ("The answer is f(x)", None),
        ("Vitamin C is the right answer", None),
        (r"\boxed{A \cup B}", None),
        # Several letters, or none
        ("Answer: A or B", None),
        ("The answer is (A) or (B)", None),
        ("The answer is I and II only", None),
        ("Both A and B are correct.", None),
        ("Answer: D/E", None),
        (r"\boxed{(B), (C)}", None),
        ("A) 5\nB) 6\nC) 7", None),
        ("The answer choices are:\nA) 5\nB) 6", None),
        ("Possible answers: A) 5, B) 6", None),
        ("Answer with A, B, C or D.", None),
        ("None of these is correct.", None),
        ("The wrong answer is B", None),
        ("B is not correct.", None),
        ("Is the answer B?", None),
    ],
)
def test_statements_are_found_and_what_only_looks_like_one_is_not(
    text: str, letter: str | None
) -> None:
    assert chosen_letter(text) == letter


def chats() -> list[tuple[str, str | None]]:
    """Letters and texts of choice.txt."""
    lines = Path(__file__).with_name("choice.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("  ", 1) for line in lines[2:]]
    return [(text.replace("⏎", "\n"), None if letter == "-" else letter) for letter, text in rows]


@pytest.mark.parametrize(("text", "letter"), chats())
def test_a_letter_is_found_as_chats_say_it(text: str, letter: str | None) -> None:
    assert chosen_letter(text) == letter


LETTERS = st.sampled_from("ABCDEFGHIJ")
MARKS = st.sampled_from(
    [
        *("{}", "({})", "[{}]", "**{}**", "__{}__", "*{}*", "`{}`", '"{}"', "'{}'", "“{}”"),
        *("${}$", r"\({}\)", r"\[{}\]", r"\text{{{}}}", r"\textbf{{({})}}", r"$\mathrm{{{}}}$"),
        *(r"\boxed{{{}}}", r"\boxed{{\text{{({})}}}}", r"$$\boxed{{\textbf{{Option {}}}}}$$"),
        *("<b>{}</b>", "<strong>({})</strong>", "Option {}", "**option ({})**", "choice {}"),
    ]
)
STATEMENTS = st.sampled_from(
    [
        *("{}", " {}.\n", "The answer is {}.", "ANSWER: {}", "**Answer:** {}", "Final answer: {}"),
        *("The correct option is {}", "the correct answer is: {}", "Answer:\n{}", "Answer\n\n{}\n"),
        *("Hence {}? No.\nThe answer must be {}, as shown.", "I choose {}", "So the end.\n\n{}"),
        *(
            "La réponse est {}.",
            "Die Antwort ist {}.",
            "La respuesta es {}",
            "答案是{}。",
            "답: {}",
        ),
    ]
)


@given(LETTERS, MARKS, STATEMENTS, st.sampled_from(["", "A is wrong. ", "Answer: J.\n\n"]))
def test_a_letter_is_found_in_any_mark_up(
    letter: str, mark: str, statement: str, before: str
) -> None:
    text = statement.replace("{}", mark.format(letter))
    if statement.strip(" .\n") != "{}":  # that is all of the text
        text = before + text
    assert chosen_letter(text) == letter


@given(MARKS, STATEMENTS)
def test_no_word_is_a_letter_in_any_mark_up(mark: str, statement: str) -> None:
    assert chosen_letter(statement.replace("{}", mark.format("Paris"))) is None


def test_white_space_without_end_does_not_slow_the_search() -> None:
    for beginning in ("answer", "answer is", "answer:", "answer is option", "it is", "正确"):
        assert chosen_letter(beginning + " " * 100_000 + "?") is None
    assert chosen_letter("\n" * 100_000 + "?") is None


def test_statements_without_end_do_not_slow_the_search() -> None:
    assert chosen_letter("if the answer is C, " * 5_000) is None
    assert chosen_letter("the answer is C if it is, " * 5_000) == "C"
    assert chosen_letter("C가 정답 " * 5_000) == "C"


def test_letters_in_boxes_inside_boxes_do_not_slow_the_search() -> None:
    depth = 20_000
    assert chosen_letter("\\boxed{B." * depth + "}" * depth) == "B"
    assert chosen_letter("\\boxed{B and " * depth + "}" * depth) is None
    assert chosen_letter("\\boxed{" * 20_000 + "}" * 20_000) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" b\n", "B"),
        ("(J).", "J"),
        ("**B**", "B"),
        ("**(b)**.", "B"),
        (r"\(A\)", "A"),
        (r"\text{C}", "C"),
        ("Option C", "C"),
        ("Ｂ", "B"),
        ("K", None),
        ("AB", None),
        ("B C", None),
        ("", None),
    ],
)
def test_a_sole_letter_is_all_there_is(text: str, letter: str | None) -> None:
    assert sole_letter(text) == letter
