r"""Multiple choice: the letter A to J that a text settles on.

The last statement of it counts, whatever its mark-up. Statements are

- `\boxed{B}`, `\boxed{\text{Option B}}`, `\boxed{B. Paris}`
- "the answer is B", "Answer: (B)", "the correct option would be B", `{"answer": "B"}`, the same in
  some other languages; a heading "Answer" with the letter under it
- "B is correct", "(B) Paris is the right answer"
- "I choose B", "I would go with option B", "it must be B", "that leaves B", "only B works"
- a last line of nothing but the letter

What is taken back ("not (B)", "rules out B"), or only assumed, asked or doubted, is no statement. A
text without one settles on the letter that it begins with ("B. Paris", "(B) because"), or ends
with ("therefore, option B."); without that on a statement that holds under a condition ("if x = 1,
the answer would be B"). Several letters ("A and B") are no choice of one, and the words "a" and "I"
are no letters.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from laserve.answers import phrases
from laserve.answers.boxed import boxes
from laserve.answers.letter import (
    NOT_BUT,
    NOT_BUT_UNSPACED,
    NOUN,
    ends_clause,
    ends_line,
    follows_letter,
    letter_at,
)
from laserve.answers.markup import unmarked
from laserve.answers.taken_back import is_assumed, is_conditional, is_denied, is_retracted

_WINDOW = 80
"""Characters of a sentence between "answer" and what it is."""
_MAX_BOXES = 100

_RIGHT = (
    r"(?:correct|right|best|final|true|proper|appropriate|accurate|likely|probable|plausible"
    r"|suitable|required|closest|matching|remaining|only|valid|chosen|selected|my|our)"
)
_SUBJECT = re.compile(
    r"(?<![^\W_])(?=\w)(?:answer(?:(?P<plural>s)|\(s\)|_(?:letter|choice|option))?"
    r"(?!\w|\s++(?:choices|options)\b)|ans\b\.?|(?:choice|option|letter)(?=\s*+[:>]|\s++is\b)"
    r"|(?P<heading>(?:solution|result|conclusion|selected|selection|pick|guess|prediction|verdict"
    r"|correct|final|correction|corrected|edit|update|revised|revision)(?=\s*+[:>])|solution(?=\s++is\b)|^A(?=\s*+:))"
    rf"|{_RIGHT}\s++(?:{NOUN}|statement|one|solution)(?:\s++{NOUN})?\b"
    rf"|(?P<other>(?:{phrases.ANSWER})\b))"
    rf"|(?P<unspaced>{phrases.ANSWER_UNSPACED})",
    re.IGNORECASE | re.MULTILINE,
)
_WRONG = re.compile(r"(?:wrong|incorrect|false|bad)\s++$", re.IGNORECASE)
_LINK = re.compile(
    r"(?<=answer)['’]s\b|[:=–—|]|(?<!\b[A-J]\s)(?<!\b[A-J]\s[-=])(?:[→⇒⟹>]|-+>)|-(?=\s)"
    r"|\b(?:is|was|(?:(?:would|will|must|should)(?:\s++(?!not\b|never\b)\w++)?"
    r"|(?:would\s++have|has|turns\s++out)\s++to|can\s++only|seems\s++to|appears\s++to)\s++be"
    r"|correspond(?:s|ing)?\s++to|match(?:es|ing)|(?:labell?ed|listed|given|marked)\s++(?:as|by|in)"
    rf"|{phrases.IS}|{NOT_BUT})\b|{phrases.IS_UNSPACED}|{NOT_BUT_UNSPACED}",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.;?!\n]")
_HEADING_END = re.compile(r"[^\S\n]*+\n\s*+")
_CHOOSING = re.compile(
    r"\b(?:I|we)\b(?:['’](?:ll|d|m))?"
    r"(?:\s++(?:will|would|am|must|can|should|therefore|thus|now|have|going\s++to))*+"
    r"\s++(?:cho(?:ose|osing|se|sen)|pick(?:ed|ing)?|select(?:ed|ing)?"
    r"|go(?:ing)?\s++(?:with|for)|lean(?:ing)?\s++towards?|opt\s++for"
    r"|(?:think|believe|guess|say|conclude)\s++(?:that\s++)?(?:it\s++is|it['’]s|it\s++must\s++be))\b"
    r"|\blet(?:['’]s|\s++us)\s++(?:go\s++with|choose|pick)\b"
    r"|(?:^|[.;:!?\n])[^\S\n]*+(?:choosing|picking|going\s++with)\b"
    r"|\b(?:so|thus|hence|therefore),?\s++(?:choose|pick|select)\b"
    rf"|\b(?:{phrases.I_CHOOSE})\b|{phrases.I_CHOOSE_UNSPACED}",
    re.IGNORECASE,
)
_LEFT_OVER = re.compile(
    r"(?:(?:^|[.,;:!?\n])[^\S\n]*+(?:(?:so|then|thus|hence|therefore|and|but|yes),?\s++)?"
    r"(?:it|that|this|which)(?:['’]s"
    r"|\s++(?:is|must\s++be|has\s++to\s++be|(?:w|sh)ould\s++be|can\s++only\s++be))"
    r"|\b(?:leaves|leaving|left)(?:\s++(?:us|me))?(?:\s++with)?"
    r"|\bby\s++(?:(?:a|the)\s++)?(?:process\s++of\s++)?elimination,?"
    r"|\bmy\s++vote(?:\s++is|\s++goes\s++to|:)"
    r"|\bI(?:['’](?:d|ll|m))?(?:\s++(?:would|will|must|have\s++to))*+"
    r"\s++(?:think|guess|say|answer|mean|meant)"
    r"|(?<!\b[A-Z]\s)(?<![)\]]\s)\b(?:correspond(?:s|ing)?\s++to|match(?:es|ing))"
    rf"|(?:^|[.;:!?\n])[^\S\n]*+(?:(?:{phrases.IT_IS})\s++)?{NOT_BUT}"
    r"|(?:^|[.,;:!?\n–—-])[^\S\n]*+"
    r"(?:(?:hmm|no|oh|actually|wait|sorry|oops),?\s++){0,3}"
    r"(?:actually|wait|sorry|oops|or\s++rather|scratch\s++that|no(?=,)))\b"
    rf"|(?:^|[。.;:!?\n])[^\S\n]*+{NOT_BUT_UNSPACED}",
    re.IGNORECASE,
)
"""In front of a letter with which the clause ends."""
_IMPERATIVE = re.compile(
    r"(?:^|[.,;:!?\n]|\b(?:so|thus|hence|therefore|then|just|please|you\s++(?:should|must|can)))"
    r"[^\S\n]*+,?[^\S\n]*+(?:choose|pick|select|go\s++with)\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"[^\S\n]*+(?:(?:because|since|as|due|given|over|rather|instead|not)\b|\()", re.IGNORECASE
)
_IS_RIGHT = re.compile(
    r"(?:\b(?:is|was|(?:would|must|should|has\s++to|seems\s++to|appears\s++to)\s++be"
    r"|seems|appears|looks|remains)"
    r"(?:\s++(?:clearly|definitely|most\s++likely|probably|indeed|also|thus|therefore))*+\s++"
    r"(?:correct\b(?!\s++(?:only\s++)?(?:if|when|unless|about|that)\b)"
    r"|(?:right|the\s++best)(?=\s*(?:[.,;!\n]|$|because|since|here))"
    r"|the\s++answer\b"
    rf"|(?:the\s++)?(?:(?:single|most|very)\s++)*{_RIGHT}\s++(?:{_RIGHT}\s++)*(?:{NOUN}|one)\b"
    rf"|(?:the\s++)?(?:most|best)\s++{_RIGHT}\b)"
    r"|\b(?:fits\s++best|makes\s++(?:the\s++)?most\s++sense)\b"
    r"|\bbest\s++(?:describes|fits|matches|answers|explains|represents|captures|completes)\b"
    rf"|{phrases.IS_RIGHT})(?!\s*+\?)",
    re.IGNORECASE,
)
_RIGHT_ONE = re.compile(
    rf"(?:^|[\n.,;:!?]|{phrases.OPTION_UNSPACED}|{phrases.THEREFORE_UNSPACED}|\b(?i:"
    rf"{NOUN}|therefore|thus|hence|so|that|only|conclude|think|believe|say|clear|because|but"
    rf"|since|{phrases.BUT}|(?<!\b[A-J]\s)and))"
    r"\s*+(?:(?P<bare>[A-HJ])|[(\[]\s*+(?P<closed>[A-Ja-j])\s*+[)\]]|(?P<half>[A-J])\s*+\))"
    # "Option B (Paris) is", "(B) Paris is"
    r"(?(bare)(?:\s*+[:(,](?:(?!\b[A-J]\b)[^.;!?\n]){0,60}+)?|(?:(?!\b[A-J]\b)[^.;!?\n]){0,60}+)"
    r"\s*+$",
)
_ONLY = re.compile(
    rf"(?<!\bnot\s)\bonly\s++(?:{NOUN}\s++)?[(\[]?([A-J])[)\]]?"
    r"\s++(?:works|satisfies|fits|matches|meets|holds|remains|is\s++left)\b",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    rf"^[^\S\n]*+(?:[-•]\s++)?(?:{NOUN}\s++)?[(\[]?([A-J])\s*+[)\].:]+[^\S\n]*+"
    r"(?:this\s++(?:\w++\s++)?is\s++)?(?:correct|right)[^\S\n]*+(?:[.,;:!\n]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_SOLE = re.compile(
    r"[\s:|→⇒⟹]*+(?:[-•]\s++|1\.\s++|[-=]{1,3}>\s*+|>\s*+)?"
    rf"(?:(?:(?:the|final|correct|my|it['’]s|it|is|{NOUN})\b|{phrases.OPTION_UNSPACED})[\s:]*+){{0,6}}+"
    r"(?:[(\[<]\s*+){0,3}+([A-J])\s*+(?:[)\]>]\s*+){0,3}+[\s.,:;!|]*+",
    re.IGNORECASE,
)
_RATHER = (
    rf"(?:(?:not|rather\s++than|instead\s++of|over)\s++(?:{NOUN}\s++)?[(\[]?[A-J]\b(?!['’-])"
    r"(?=[)\]]?\s*+(?:[.,;!\n]|$|(?:or|and|because|since)\b)))"
)
"""Instead of which other letter."""
_LABEL = re.compile(
    rf"^[^\S\n]*+(?:{NOUN}\s++)?(?:[(\[]\s*+([A-J])\s*+[)\]][.:,]?"
    r"|([A-HJ])(?:[^\S\n]*+(?:[.):,]|[-–—](?=\s)|(?=\n))"
    # "B because", "B (Paris)", "B not C"
    rf"|(?=[^\S\n]++(?:(?:because|since)\b|{_RATHER}"
    r"|\([^()\n]{1,99}\)[^\S\n]*+(?:[.,;:!\n]|$|(?:because|since)\b)))))"
    r"(?=\s|[^\x00-\x7f]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL_END = re.compile(r"[^\S\n]{0,9}(?:[.:]|[^\x00-\x7f]|['’]d[iıuü]r\b)")
"""In other scripts, and in Turkish, the verb stands behind the letter."""
_LISTED = re.compile(r"(?:[(\[]B[)\]]|\bB[.):]).*?(?:[(\[]C[)\]]|\bC[.):])", re.DOTALL)
_AT_END = re.compile(
    # f(B) and "Figure (B)" name something else.
    r"(?<!\bor )(?<!\band )"
    r"(?:\b(?i:option|choice) [(\[<]{0,3}|(?<![A-Za-z\d(\[<])[(\[<]{1,3}"
    r"|\b(?i:therefore|thus|hence|so|clearly|obviously)[,:]? [(\[]{0,3}"
    r"|(?<!\b[A-Za-z] )(?:[→⇒⟹]|[-=]{1,2}>) ?[(\[]{0,3}) ?"
    r"([A-J]) ?[)\]>]{0,3}[.! ]*$"
)
_OF_OTHER = re.compile(
    r"\b(?:figure|fig\.|table|part|step|section|case|equation|eq\.|theorem|lemma|line|graph|see) $",
    re.IGNORECASE,
)
"""In front of a letter in brackets that is no option's."""
_IS_WRONG = re.compile(
    rf"[^\S\n]{{0,9}}(?:(?:(?:is|was)\s++)?(?:(?!{_RATHER})not\b|wrong\b|incorrect\b|false\b)"
    r"|isn['’]t\b|cannot\b"
    rf"|{phrases.IS_WRONG})",
    re.IGNORECASE,
)
_END_CHARS = 200
_WORD = re.compile(r"\w")


def sole_letter(text: str) -> str | None:
    """The letter, in upper case, of a text that is nothing but one, whatever its mark-up: "B",
    "b", "(B)", "**Option B**"."""
    sole = _SOLE.fullmatch(unmarked(text))
    return sole[1].upper() if sole else None


def chosen_letter(text: str) -> str | None:
    """The letter, in upper case, that a text settles on; None where it settles on none."""
    plain = unmarked(text)
    if sole := _SOLE.fullmatch(plain):
        return sole[1].upper()
    said = [*_named(plain), *_chosen(plain), *_found_right(plain)]
    assumed = {one for one in said if is_assumed(plain, one.start)}
    said = [one for one in said if one not in assumed]
    shown = [*_boxed(text, plain), *_judged(plain), *_last_line(plain)]
    firm = [one for one in said if not is_conditional(plain, one.start, one.end)] + shown
    kept = [one for one in firm if not is_retracted(plain, one.end)]
    if firm and not kept:
        return None
    if kept:
        return _last(kept)
    ends_assuming = any(not _WORD.search(plain, one.end) for one in assumed)
    return (None if ends_assuming else _end(plain)) or _beginning(plain) or _last(said)


class _Statement(NamedTuple):
    place: int
    """Of the letter."""
    letter: str
    start: int
    """Of all that is said."""
    end: int


def _statement(start: int, letter: re.Match[str], group: str | int = "letter") -> _Statement:
    return _Statement(letter.start(group), letter[group], start, letter.end(group))


def _last(statements: list[_Statement]) -> str | None:
    return max(statements).letter.upper() if statements else None


def _named(plain: str) -> Iterator[_Statement]:
    """ "The answer is B", "Answer: B"."""
    for subject in _SUBJECT.finditer(plain):
        start = subject.end()
        if _WRONG.search(plain, max(subject.start() - 20, 0), subject.start()):
            continue
        sentence = _SENTENCE_END.search(plain, start, start + _WINDOW)
        stop = sentence.start() if sentence else start + _WINDOW
        for link in _LINK.finditer(plain, start, stop):
            letter = letter_at(plain, link.end())
            if letter and _is_said(plain, subject, letter):
                yield _statement(subject.start(), letter)
                break
        else:
            if letter := _without_link(plain, subject):
                yield _statement(subject.start(), letter)


def _is_said(plain: str, subject: re.Match[str], letter: re.Match[str]) -> bool:
    """Whether the letter is all that is said: "Result: B is wrong" says something else."""
    if subject["plural"]:
        return ends_line(plain, letter.end())
    return not subject["heading"] or ends_clause(plain, letter.end())


def _without_link(plain: str, subject: re.Match[str]) -> re.Match[str] | None:
    """The letter under a heading "Answer", or right behind the word: "Answer (B)"."""
    heading = _HEADING_END.match(plain, subject.end())
    closed = plain.startswith(("]", ")"), subject.end())
    letter = letter_at(plain, heading.end() if heading else subject.end() + closed)
    if letter is None:
        return None
    alone = ends_line(plain, letter.end())
    if heading or subject["other"] or subject["unspaced"]:
        is_label = bool(letter["close"]) or _LABEL_END.match(plain, letter.end()) is not None
        return letter if alone or is_label else None
    # "The answer (A) is wrong."
    is_heading = closed or letter["close"] or subject[0].endswith(".")
    return letter if alone and is_heading else None


def _chosen(plain: str) -> Iterator[_Statement]:
    """ "I choose B"."""
    for choosing in _CHOOSING.finditer(plain):
        if letter := letter_at(plain, choosing.end()):
            yield _statement(choosing.start(), letter)
    for left in [*_LEFT_OVER.finditer(plain), *_IMPERATIVE.finditer(plain)]:
        letter = letter_at(plain, left.end())
        is_one = letter and (letter["close"] or letter["letter"].isupper())
        if letter and is_one and _ends_statement(plain, letter.end()):
            clause = left[0].lstrip(" \t\n.,;:!?–—-")
            yield _statement(left.end() - len(clause), letter)


def _ends_statement(plain: str, place: int) -> bool:
    return ends_clause(plain, place) or _REASON.match(plain, place) is not None


def _judged(plain: str) -> Iterator[_Statement]:
    """ "Only B works", and a line "B: correct"."""
    for pattern in (_ONLY, _JUDGED):
        for found in pattern.finditer(plain):
            yield _statement(found.start(), found, 1)


def _found_right(plain: str) -> Iterator[_Statement]:
    """ "B is correct"."""
    for found in _IS_RIGHT.finditer(plain):
        end = found.start()
        if one := _RIGHT_ONE.search(plain, max(end - _WINDOW, 0), end):
            group = one.lastgroup or 0
            yield _Statement(one.start(group), one[group], one.start(group), found.end())


def _boxed(text: str, plain: str) -> Iterator[_Statement]:
    r"""The last `\boxed{B}`, or `\boxed{B. Paris}`."""
    # Each of very many, one in the other, may be read to its end.
    for box in reversed(boxes(text)[-_MAX_BOXES:]):
        if letter := letter_at(plain, box.content_start, box.content_end):
            behind = plain[letter.end() : box.content_end].lstrip()
            if not behind or letter["close"] or behind[0] in ".:)":
                yield _Statement(box.start, letter["letter"], box.start, box.content_end)
                return


def _last_line(plain: str) -> Iterator[_Statement]:
    whole = plain.rstrip()
    place = whole.rfind("\n") + 1
    if sole := _SOLE.fullmatch(whole, place):
        yield _statement(place, sole, 1)


def _end(plain: str) -> str | None:
    """ "Therefore, option B."."""
    tail = " ".join(plain[-_END_CHARS:].split())
    ending = _AT_END.search(tail)
    if ending is None or is_denied(tail, ending.start()) or follows_letter(tail, ending.start(1)):
        return None
    if _OF_OTHER.search(tail, 0, ending.start()):
        return None
    return ending[1]


def _beginning(plain: str) -> str | None:
    """ "B. Paris", where that is not the first of several options."""
    start = plain.rfind("\n", 0, len(plain) - len(plain.lstrip())) + 1
    first = _LABEL.match(plain, start)
    if first is None:
        return None
    letter = (first[1] or first[2]).upper()
    others = {(label[1] or label[2]).upper() for label in _LABEL.finditer(plain, first.end())}
    is_listed = letter == "A" and _LISTED.search(plain, first.end())
    if is_listed or _IS_WRONG.match(plain, first.end()):
        return None
    return letter if others <= {letter} and letter_at(plain, start) else None
