r"""Multiple choice: the letter A to J that a completion settles on.

Read are `\boxed{B}`, "answer is (B)", "Answer: B", and a completion of nothing but the letter.
"""

import re

from laserve.errors import DataError
from laserve_training.problem import Problem
from laserve_training.verifiers.boxed import boxes

_SOLE = re.compile(r"\(?([A-J])\)?\.?", re.IGNORECASE)
_IN_BOX = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mathbf)\s*\{\s*)?"
    r"\(?([A-J])\)?\s*"
    r"(?:[.:)}].*)?",  # "B. Paris" is B
    re.IGNORECASE | re.DOTALL,
)
_STATED = re.compile(
    # Possessive (`*+`), as each way to divide white space would be tried on hostile text.
    r"\b(?i:answer)(?:\s++is\b|\*{0,2}\s*+:)[\s:*$(]*+(?:(?:option|choice)\b[\s*$(]*+)?"
    # "a" and "I" may be words: the letters count in upper case only, and I not before a verb.
    r"([A-HJ]|I(?!\s+[a-z]))(?![\w'’])"
)


def is_chosen(problem: Problem, completion: str) -> bool:
    """Whether the last letter that the completion gives as its answer is the reference answer.

    Raises DataError where that is no letter from A to J.
    """
    answer = _SOLE.fullmatch(problem.answer.strip())
    if answer is None:
        raise DataError(
            f"{problem.where}: the answer {problem.answer!r} is no letter from A to J: give one, "
            "or use another verifier than `choice`"
        )
    return _chosen_letter(completion) == answer[1].upper()


def _chosen_letter(text: str) -> str | None:
    if sole := _SOLE.fullmatch(text.strip()):
        return sole[1].upper()
    stated = [(match.start(), match[1]) for match in _STATED.finditer(text)]
    boxed = [
        (box.start, letter[1].upper())
        for box in boxes(text)
        if (letter := _IN_BOX.fullmatch(box.content.strip()))
    ]
    return max([*stated, *boxed], default=(0, None))[1]
