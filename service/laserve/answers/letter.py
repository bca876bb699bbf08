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
_LETTER_OF_LIST = rf"(?:(?:{NOUN}|{phrases.ARTICLE})\s++){{0,2}}[(\[]?[A-J]\b[)\]]?"
NOT_BUT = (
    # "not A but", "not A, B or D, but"
    rf"(?:not|{phrases.NOT}|pas)\s++{_LETTER_OF_LIST}"
    r"(?:(?:\s*+,|\s++n?or\b|\s++and\b){1,2}+\s*+[(\[]?[A-J]\b[)\]]?){0,6}"
    rf"\s*+,?\s*+(?:but|it['’]s|it\s++is|{phrases.BUT})"
)
NOT_BUT_UNSPACED = (
    rf"(?:{phrases.NOT_UNSPACED_BEFORE}\s?[A-J]\s?[，,、]?\s?{phrases.BUT_UNSPACED}"
    rf"|[A-J]{phrases.NOT_BUT_UNSPACED})"
)
_LETTER = re.compile(
    rf"[\s,:]*+(?:[-•]\s++)?(?:(?P<word>(?:{NOUN}|the|that|it['’]s|it|is|be|one|first|second|third"
    rf"|fourth|fifth|last|{_ADVERB}|{NOT_BUT})\b|(?:{phrases.ARTICLE})(?<=['’\s])"
    rf"|(?:{phrases.ARTICLE})\b|{phrases.OPTION_UNSPACED}|{NOT_BUT_UNSPACED})[\s:,]*+){{0,6}}+"
    r"(?P<open>(?:[(\[]\s*+){1,3}+|(?:<\s*+){1,2}+)?(?P<letter>[A-J])"
    r"(?P<close>(?:\s*+[)\]]){1,3}+|(?(open)(?:\s*+>){1,2}+|(?!)))?",
    re.IGNORECASE,
)
_IN_WORD = re.compile(
    # Names, words, initials, formulas, questions: C++, e-mail, C. S. Lewis, B(x), F = ma, B?
    r"['’](?!d[ıiuü]r\b)|[A-Za-z0-9_\u00c0-\u024f(+°%#]|-[a-z\d]|\.\s?[A-Za-z]\.|[.,]\d"
    rf"|{phrases.NOT_UNSPACED}|{_SPACE}(?:=[^>]|[+^?×≤≥≈]|<(?![/|])|\\(?![\\nrt]))"
)
_IN_CLOSED_WORD = re.compile(r"[A-Za-z]|-[a-z]")
"""Behind a small letter in brackets: "(a)symmetric"."""
_QUESTION = re.compile(rf"{_SPACE}\?")
_JOIN = (
    rf"(?:[.,;]?{_SPACE}[(\[]?(?:(?:and/or|and|or|nor|also|plus|as\s++well\s++as|along\s++with"
    rf"|together\s++with)\b|[&+和或及と])|{_SPACE}(?:[-=]*+>|[→⇒,/;|–-]))"
)
_HEDGE = (
    rf"(?:{_SPACE}(?:(?:and|or|also|maybe|perhaps|possibly|probably|potentially|even|either"
    rf"|(?<=and )both|else|less|likely|the|{NOUN})\b|,)){{0,5}}+{_SPACE}"
)
_MORE_ENDS = r"(?:[.,;:!?)\]\n(\[|]|$|(?:and|or|are|both|only)\b)"
_MORE = re.compile(
    # "A, B", "A and also B", "A. Or (B)", "A/B", "A B"
    rf"(?:{_JOIN}{_HEDGE}|[^\S\n]{_SPACE})"
    rf"[(\[]?(?:[A-J]|[IVX]+)(?!\.[a-z])[)\]]?+{_SPACE}"
    rf"{_MORE_ENDS}",
    re.IGNORECASE,
)
_MORE_BEHIND_LABEL = re.compile(
    # "(A) and B", "(A)(B)", "(A), (B)"; what stands behind a label is else what the option says
    rf"(?:{_JOIN}{_HEDGE}(?-i:[A-J])|(?:{_JOIN}{_HEDGE}|{_SPACE})[(\[][A-J])[)\]]?+{_SPACE}"
    rf"{_MORE_ENDS}",
    re.IGNORECASE,
)
_MORE_LABELS = re.compile(
    # "(A) Paris and (B) Rome", but not "(A) Paris, as (B) is wrong"
    r"(?:(?!\b(?:not|because|since|as|while|whereas|but|than|by|from)\b)[^.;:!?\n(\[]){0,60}"
    r"(?:,|&|\b(?:and|or)\b)\s*+[(\[][A-J][)\]]"
    r"(?!\s*+(?:is|are|was|were|has|have|does|do|can|cannot|would|will|fails?)\b|\s*+\w+n['’]t\b)",
    re.IGNORECASE,
)
_BACK = 60
"""Characters in front of a letter that may name another."""
_BEFORE = re.compile(
    rf"(?<![A-Za-z'’])(?:[(\[]?[A-J]{_SPACE}[)\]]?{_JOIN}|[(\[][A-J]{_SPACE}[)\]]){_HEDGE}[(\[]?$"
)
_END = re.compile(rf"{_SPACE}(?:[.,;:!)\]<\n]|$)")
_LINE_END = re.compile(rf"{_SPACE}[.!]?{_SPACE}(?:\n|$|<|\[/)")
_PROSE = re.compile(
    # What can stand behind a letter, and not behind the article "a" and the pronoun "I".
    r"(?:because|since|as|is|but|which|due|not|rather|instead|given|based|so|therefore|thus|if|by"
    rf"|under|according|although|though|and|or|{phrases.BECAUSE})\b",
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
    if _is_in_word(found, behind, end) or _is_one_of_several(found, behind, end):
        return None
    if found["close"] or _IS_NOUN.fullmatch(found["word"] or ""):
        return found
    letter, word = found["letter"], _NEXT_WORD.match(text, behind, end)
    in_prose = word is not None and _PROSE.match(text, word.end(), end) is not None
    if letter.islower():
        ends = _END.match(text, behind, end)
        return found if ends or (in_prose and letter not in "ai") else None
    return found if word is None or in_prose or letter not in "AI" else None


def follows_letter(text: str, place: int) -> bool:
    """Whether a letter at `place` is not the first of several: "A and also ", "(A), "."""
    return _BEFORE.search(text, max(place - _BACK, 0), place) is not None


def _is_in_word(found: re.Match[str], behind: int, end: int) -> bool:
    if not found["close"]:
        return _IN_WORD.match(found.string, behind, end) is not None
    # A label, whatever its option says: "(C) \frac{1}{2}", "(C) +5", "C)Paris".
    is_small = found["open"] and found["letter"].islower()
    in_word = is_small and _IN_CLOSED_WORD.match(found.string, behind, end)
    return bool(in_word or _QUESTION.match(found.string, behind, end))


def _is_one_of_several(found: re.Match[str], behind: int, end: int) -> bool:
    text = found.string
    if not found["close"]:
        return _MORE.match(text, behind, end) is not None
    is_more = found["open"] and _MORE_LABELS.match(text, behind, end)
    return bool(is_more or _MORE_BEHIND_LABEL.match(text, behind, end))


def ends_line(text: str, place: int) -> bool:
    """Whether nothing but a full stop or the like follows on the line."""
    return _LINE_END.match(text, place) is not None


def ends_clause(text: str, place: int) -> bool:
    """Whether a full stop, a comma or the like follows, or the line ends."""
    return _END.match(text, place) is not None
