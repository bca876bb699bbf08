"""The letter of an option, A to J, where a text is about to name one.

All of it reads what `markup.unmarked` gives. White space is matched possessively (`*+`), as each
way to divide it would be tried on hostile text.
"""

import re
import sys

from laserve.answers import phrases

NOUN = rf"(?:answer|option|choice|letter|alternative|selection|response|item|{phrases.OPTION})"

_SPACE = r"[^\S\n]*+"
_ADVERB = (
    r"(?:therefore|thus|hence|then|so|clearly|definitely|certainly|surely|indeed|actually|really"
    r"|probably|most|likely|simply|just|only|obviously|still|also|now|in fact|of course"
    r"|given (?:by|in))"
)
_NOT_BUT = rf"not\s++(?:{NOUN}\s++)?[(\[]?[A-J][)\]]?\s*+,?\s*+(?:but|it['’]s|it\s++is)"
_LETTER = re.compile(
    rf"[\s,:]*+(?:[-•]\s++)?(?:(?P<word>(?:{NOUN}|the|that|it['’]s|it|is|be|one|first|second|third"
    rf"|fourth|fifth|last|{_ADVERB}|{_NOT_BUT})\b|(?:{phrases.ARTICLE})(?<=['’\s])"
    rf"|(?:{phrases.ARTICLE})\b|{phrases.OPTION_UNSPACED})[\s:,]*+){{0,6}}+"
    r"(?P<open>[(\[]\s*+)?(?P<letter>[A-J])(?P<close>\s*+[)\]])?",
    re.IGNORECASE,
)
_IN_WORD = re.compile(
    # Names, words, initials, formulas, questions: C++, e-mail, C. S. Lewis, B(x), F = ma, B?
    r"[A-Za-z0-9_\u00c0-\u024f'’(+°%#]|-[a-z\d]|\.\s?[A-Za-z]\.|[.,]\d"
    rf"|{_SPACE}(?:=[^>]|[+^?×≤≥≈]|<(?![/|])|\\(?![\\nrt]))"
)
_MORE = re.compile(
    # "A, B", "A and B", "A or (B)", "A/B", "A B"
    rf"(?:{_SPACE}(?:,|&|/|-|–|and\b|or\b|[和或及と])|[^\S\n])(?:{_SPACE}(?:and|or)\b)?{_SPACE}"
    rf"(?:{NOUN}\b{_SPACE})?[(\[]?(?:[A-J]|[IVX]+)(?!\.[a-z])[)\]]?{_SPACE}"
    r"(?:[.,;:!)\]\n]|$|(?:and|or|are|both|only)\b)",
    re.IGNORECASE,
)
_NUMERAL = re.compile(r"[^\S\n]++[IVX]++\b")
"""What an option says of statements: "(D) II and III only"."""
_END = re.compile(rf"{_SPACE}(?:[.,;:!)\]<\n]|$)")
_LINE_END = re.compile(rf"{_SPACE}[.!]?{_SPACE}(?:\n|$|<)")
_PROSE = re.compile(
    # What can stand behind a letter, and not behind the article "a" and the pronoun "I".
    r"(?:because|since|as|is|but|which|due|not|rather|instead|given|based|so|therefore|thus|if|by"
    r"|under|according|although|though|and|or)\b",
    re.IGNORECASE,
)
_IS_NOUN = re.compile(rf"{NOUN}|{phrases.OPTION_UNSPACED}", re.IGNORECASE)
_NEXT_WORD = re.compile(r"[^\S\n]++(?=\w)")


def letter_at(text: str, place: int, end: int = sys.maxsize) -> re.Match[str] | None:
    """The letter, as the group of this name, that `text` has at `place`, behind any of "the",
    "option", "most likely" and their like. None where that is no choice of one letter: "a man",
    "A and B", "C++". At `end` the text is taken to end.

    A small letter counts behind "option" and its like, in brackets, and where a clause ends.
    """
    found = _LETTER.match(text, place, end)
    if found is None:
        return None
    behind = found.end()
    is_label = found["close"] and _NUMERAL.match(text, behind, end)
    if _IN_WORD.match(text, behind, end) or (_MORE.match(text, behind, end) and not is_label):
        return None
    if found["close"] or _IS_NOUN.fullmatch(found["word"] or ""):
        return found
    letter, word = found["letter"], _NEXT_WORD.match(text, behind, end)
    in_prose = word is not None and _PROSE.match(text, word.end(), end) is not None
    if letter.islower():
        ends = _END.match(text, behind, end)
        return found if ends or (in_prose and letter not in "ai") else None
    return found if word is None or in_prose or letter not in "AI" else None


def ends_line(text: str, place: int) -> bool:
    """Whether nothing but a full stop or the like follows on the line."""
    return _LINE_END.match(text, place) is not None


def ends_clause(text: str, place: int) -> bool:
    """Whether a full stop, a comma or the like follows, or the line ends."""
    return _END.match(text, place) is not None
