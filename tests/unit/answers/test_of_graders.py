r"""What public graders take for the answer of a text, and where we differ.

The kinds of texts are those of the test sets and patterns of math-verify, lm-evaluation-harness,
simple-evals, inspect_ai and opencompass; the texts are ours. Beside each that we read otherwise
stands why.
"""

from typing import NamedTuple

import pytest

from laserve.answers.extraction import make_extractor
from laserve.answers.message import Message


class Case(NamedTuple):
    """A text, and what a grader takes for its answer."""

    kind: str
    text: str
    answer: str | None


MATH_VERIFY = [
    Case("last_number", "-5", "-5"),
    Case("last_number", "7,425,000", "7425000"),
    Case("last_number", "1000.0", "1000"),
    Case("last_number", ".4", "0.4"),
    Case("last_number", "It is not 10, it is 1,000.99€", "1000.99"),
    Case("last_number", "It is not 10, it is 1,000.99m²", "1000.99"),
    Case("last_number", "$1,000.99", "1000.99"),
    Case("last_number", "XK2B", None),
    Case("last_number", r"So \[ 9 \]", "9"),
    Case("last_number", r"$-\frac{10}{9}$", "-10/9"),
    Case("last_number", r"$\frac13 $", "1/3"),
    Case("last_number", r"$\frac3{3} $", "1"),
    Case("last_number", r"$\cfrac{1}{3} $", "1/3"),
    Case("last_number", r"$\frac{1}{3} \textbf{meters}$", "1/3"),
    Case("last_number", r"$k = \frac{1}{3}$", "1/3"),
    Case("last_number", r"$12,\!000,\!023$", "12000023"),
    Case("last_number", r"$\boxed{14{,}916}$", "14916"),
    Case("last_number", r"worth $\boxed{\$16386.17}$", "16386.17"),
    Case("last_number", "28 pct", "28"),
    Case("boxed", r"$\boxed{14{,}916}$. I hope so.", "14{,}916"),
    Case("boxed", r"$\boxed{125\textnormal{ miles}}.$", r"125\textnormal{ miles}"),
    Case("choice", "The answer is A.", "A"),
    Case("choice", "Final answer is B", "B"),
    Case("choice", "A. Because B is wrong", "A"),
    Case("choice", "No answer in sight", None),
]
LM_EVALUATION_HARNESS = [
    Case("last_number", "#### 1,234", "1234"),
    Case("last_number", "The answer is 18.", "18"),
    Case("last_number", "Each costs $4, so it is $12.50 in all.", "12.5"),
    Case("last_number", "Die Antwort lautet -3", "-3"),
    *(
        Case("choice", text, "C")
        for text in (
            *("The answer is (C).", "so the answer is C", "The best answer is C.", "(C)", "C."),
            *("La réponse est (C)", "Die Antwort ist (C)", "La risposta è (C)", "答案是 (C)"),
            *("La respuesta es (C)", "A resposta é (C)", "Jibu ni (C)", "Jawabannya adalah (C)"),
            *(
                "답은 (C)입니다",
                "答えは (C) です",
                "Ответ - (C)",
                "Відповідь: (C)",
                "Odgovor je (C)",
            ),
            *(
                "Câu trả lời là (C)",
                "A válasz (C)",
                "Odpověď je (C)",
                "คำตอบคือ (C)",
                "Die antwoord is (C)",
            ),
            *(
                "উত্তর হল (C)",
                "उत्तर है (C)",
                "उत्तर (C) हो।",
                "الإجابة هي (C)",
                "సమాధానం (C)",
                "جواب (C) ہے",
            ),
            *("Ìdáhùn náà ni (C)", "Tontu bi mooy (C)", "Impendulo ithi (C)", r"\boxed{C}", ": C"),
        )
    ),
]
SIMPLE_EVALS = [
    *(
        Case("choice", text, "B")
        for text in (
            *(
                "Answer: B",
                "answer : $B$",
                "Answer: $B",
                "**Answer:** B",
                r"Answer: $\boxed{\text{B}}$",
            ),
            *(
                "উত্তর: B",
                "उत्तर: B",
                "উত্তরঃ B",
                "Antwort: B",
                "답변: B",
                "정답: B",
                "답: B",
                "答案：B",
            ),
            *(
                "答案: Ｂ",
                "答：B",
                "答え：B",
                "回答: B",
                "解答: B",
                "الإجابة: B",
                "الإجابة النهائية: B",
            ),
            *("Respuesta: B", "Risposta: B", "Jawaban: B", "Réponse : B", "Resposta: B", "Jibu: B"),
            *("Idahun: B", "Ìdáhùn: B", "Answer:\u200b\u200bB"),
        )
    ),
    Case("last_number", "答案：18", "18"),
    Case("last_number", "উত্তর: ১৮", "18"),
    Case("last_number", "Answer: 2,125", "2125"),
]
INSPECT_AI = [
    Case("choice", "ANSWER: B", "B"),
    Case("choice", "ANSWER: b", "B"),
    Case("choice", "ANSWER: A. \n", "A"),
    Case("choice", "ANSWER: A,", "A"),
    Case("choice", "ANSWERS: A", "A"),
    Case("choice", "So, ANSWER: A\nNo, that cannot be.\nANSWER: B", "B"),
    Case("choice", "Answer: it asks which one holds\nSo it goes.\nANSWER: B", "B"),
    Case(
        "choice", "Option B is out. Between A and D, D is likelier (A is rare).\n\nANSWER: D", "D"
    ),
    Case("choice", "ANSWER: None of the above", None),
    Case("choice", "ANSWER: Don't know", None),
    Case("choice", "ANSWER: I don't know", None),
    # Several letters are several answers there, and no choice of one there nor here.
    Case("choice", "ANSWER: A, C. \n", None),
    Case("choice", "ANSWER: A and C. \n", None),
    Case("choice", "ANSWER: AB", None),
    Case("choice", "ANSWER: A, B, and C", None),
    Case("last_number", "28 + 32 = 60\nThat is all.", "60"),
    Case("last_number", "**ANSWER: 28 + 32 = 60**\nThat is all.", "60"),
    Case("last_number", "it is -5 exactly", "-5"),
    Case("last_number", "it is −5", "-5"),
    Case("last_number", "it is ½", "0.5"),
    Case("last_number", "it is -½ more", "-0.5"),
    Case("last_number", "it is 2½", "2.5"),
    Case("last_number", "it is １２３", "123"),
    Case("last_number", "1e3", "1000"),
    Case("last_number", "*20*", "20"),
    Case("last_number", "_20_", "20"),
    Case("last_number", r"\$20", "20"),
    Case("last_number", r"\*20\*", "20"),
    Case("last_number", r"\boxed{1.5 \times 10^3}", "1500"),
]
OPENCOMPASS = [
    Case("choice", "D是正确的", "D"),
    *(
        Case("choice", text, "D")
        for text in (
            *("答案是D", "答案是：D", "答案选项是 D", "答案为D", "答案应该选D", "答案选D", "故选D"),
            *("选择D", "ANSWER: D", "The answer is option D"),
            *("The answer is **D**", "The correct answer is option (D)"),
            *(r"The correct option is $\boxed{D}$", "The correct answer option is: D"),
            "The answer to the question is D",
        )
    ),
    Case("last_number", "That makes 18.5 in all", "18.5"),
    Case("boxed", r"So $\boxed{\frac{1}{2}}$ it is", r"\frac{1}{2}"),
]

DIFFERENT = {
    # math-verify
    Case("last_number", "1 000", "1000"): ("0", "a plain space divides numbers more often"),
    Case("last_number", "1000,99", "1000.99"): ("99", "a comma divides numbers more often"),
    Case("last_number", "In all: 2,74 $", "2.74"): ("74", "a comma divides numbers more often"),
    Case("choice", "Because B is valid", "B"): (None, "it gives a reason and no answer"),
    Case("boxed", r"It is \\boxed{4}", "4"): (None, "in TeX that is a line break and a word"),
    Case("boxed", r"\boxed{1} and \boxed{2}", "1,2"): ("2", "an answer is one text, the last"),
    # lm-evaluation-harness
    Case("choice", "Of the four, (C) fits, I think", "C"): (None, "a letter is no statement"),
    Case("choice", "The answer is (L).", "L"): (None, "letters go to J"),
    # simple-evals
    Case("choice", "الإجابة: ب", "B"): (None, "letters are Latin"),
    # inspect_ai
    Case("last_number", "it is 三", "3"): (None, "numbers are digits"),
    Case("choice", "ANSWER: A because of B", None): ("A", "a reason may follow"),
    # opencompass
    Case("boxed", r"\fbox{4}", "4"): (None, "a frame is not what solutions mark their answer by"),
    Case("choice", "因此D。", "D"): (None, "a word in front of a letter is no statement"),
    Case("choice", "The capital: Bern", "B"): (None, "a capital letter is no statement"),
}


@pytest.mark.parametrize(
    "case",
    [*MATH_VERIFY, *LM_EVALUATION_HARNESS, *SIMPLE_EVALS, *INSPECT_AI, *OPENCOMPASS],
    ids=lambda case: f"{case.kind}: {case.text!r}",
)
def test_what_public_graders_take_for_the_answer_is_the_answer(case: Case) -> None:
    assert make_extractor(case.kind, {})(Message(case.text)) == case.answer


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: f"{case.kind}: {case.text!r}")
def test_where_we_differ_is_known(case: Case) -> None:
    ours, _ = DIFFERENT[case]
    assert make_extractor(case.kind, {})(Message(case.text)) == ours != case.answer
