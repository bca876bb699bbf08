r"""Multiple choice: the letter A to J that a text settles on.

Read are `\boxed{B}`, "answer is (B)", "Answer: B", and a text of nothing but the letter.
"""

import re

from laserve.answers.boxed import boxes

_SOLE = re.compile(r"\s*\(?([A-J])\)?\.?\s*", re.IGNORECASE)
_IN_BOX = re.compile(
    r"\s*(?:\\(?:text|textbf|mathrm|mathbf)\s*\{\s*)?"
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


def sole_letter(text: str) -> str | None:
    """The letter, in upper case, of a text that is nothing but one: "B", "b", "(B)", "B."."""
    sole = _SOLE.fullmatch(text)
    return sole[1].upper() if sole else None


def chosen_letter(text: str) -> str | None:
    """The last letter, in upper case, that a text gives as its answer; None where it gives none."""
    if sole := sole_letter(text):
        return sole
    letters = [(match.start(), match[1]) for match in _STATED.finditer(text)]
    # The last box with a letter, and none before it: boxes may be nested, and each match of one
    # may read to its end.
    for box in reversed(boxes(text)):
        if letter := _IN_BOX.fullmatch(text, box.content_start, box.content_end):
            letters.append((box.start, letter[1].upper()))
            break
    return max(letters, default=(0, None))[1]
