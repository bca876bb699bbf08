"""What stands in front of a letter, or of a statement, and takes it back or makes it depend on
something.

All of it reads what `markup.unmarked` gives, a bounded piece for each letter.
"""

import re

from laserve.answers import phrases

_NEAR = 80
_SENTENCE = 300
"""Characters that are looked at."""

_NOUN = rf"(?:answers?|options?|choices?|letters?|alternatives?|statements?|{phrases.OPTION})"
_DENIED = re.compile(
    rf"(?:\b(?:{phrases.NOT}|not|never|nor|neither(?:\s+is\s+it)?|cannot|hardly|no\s+(?:longer|way)|unlikely"
    r"|except(?:\s+for)?|excluding|without|besides|unlike|against"
    r"|(?:other|rather)\s+than|instead\s+of|(?:apart|aside|different|far)\s+from"
    r"|(?:all|any|anything|everything|each|every(?:\s+\w+)?)(?:\s+of\s+\w+)?\s+but"
    r"|(?:rul(?:e|es|ed|ing)|cross(?:es|ed|ing)?)\s+out"
    r"|(?:eliminat|exclud|remov|discard|reject|dismiss|omit|disprov|refut)(?:e|es|ed|ing|s|ting)?)"
    r"|n['’]t)"
    r"(?:\s+(?:be|been|to|the|(?-i:an?)|any|even|really|actually|necessarily|definitely|choose|pick|select|take|going"
    rf"|use|say|go|with|for|think|it|is|it['’]s|correct|right|{_NOUN})\b)*\s*$",
    re.IGNORECASE,
)
_ASSUMED = re.compile(
    r"(?:\b(?:if|whether|unless|in\s+case|suppos(?:e|ing)|assum(?:e|es|ing)|imagin(?:e|ing)|pretend"
    r"|(?<!\bno\s)(?<!\ba\s)doubt(?:s|ed)?|den(?:y|ies|ied)|not|never|cannot|hardly|nobody|no\s+one"
    r"|(?:false|wrong|incorrect|untrue|unlikely|impossible|unclear|doubtful)\s+(?:that|if|whether)"
    r"|the\s+(?:claim|idea|notion|hypothesis|assumption|suggestion|possibility|belief)"
    r"|let(?:['’]s|\s+us|\s+me)\s+(?:say|see|check|test|try|verify)"
    r"|(?:you|one|some|many|people|students|they|someone|others)"
    r"(?:\s+(?:might|may|could|would|will|wrongly|mistakenly))*\s+(?:think|say|believe|claim|argue))"
    rf"|n['’]t|\b(?:{phrases.SUPPOSE})\b,?|{phrases.SUPPOSE_UNSPACED})"
    r"(?:\s+(?:be|to|thinks?|believes?|says?|said|claims?|concludes?|assumes?|guess|agrees?|sure"
    r"|certain|convinced|confident|clear|true|likely|case|that|if|whether|for|(?-i:a)|moment|now|the|an"
    rf"|our|my|your|final|correct|right|best|only|really|necessarily|que|dass|die|la|а|что|{_NOUN})\b)*"
    r"\s*[(\[]?\s*$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.;?!]\s|[。！？；\n]")
_CONDITION = re.compile(
    r"(?<!\beven\s)(?<!\bas\s)(?<!\bsee\s)(?<!\bcheck\s)(?<!\bdetermine\s)(?<!\bverify\s)\bif\b"
    r"|\b(?:unless|otherwise|in\s+(?:that|which)\s+case)\b"
    rf"|(?:\b|^)(?:{phrases.IF})\b|{phrases.IF_UNSPACED}",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    rf"\b(?:so|thus|hence|therefore|consequently|{phrases.THEREFORE})\b|{phrases.THEREFORE_UNSPACED}",
    re.IGNORECASE,
)
_RETRACTED = re.compile(
    # ". Wait, that's wrong"
    r"[^\w\n]{0,5}\s*+(?:(?:but|hmm|no|oh|actually|wait|sorry|oops)\b[^\w\n]{0,3}\s++){1,3}"
    r"(?:that|this|it)(?:['’]s|\s++(?:is|was|cannot\s++be|can['’]t\s++be)|(?=\s++\w+n['’]t\b))\s++"
    r"(?:(?:not|isn['’]t|wasn['’]t)\s++(?:right|correct)|wrong|incorrect|false|a\s++mistake)\b",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"[^\S\n]*+(?:only\s++)?(?:if|unless|provided)\b", re.IGNORECASE)


def is_denied(text: str, place: int) -> bool:
    """Whether what stands in front of `place` says that a letter there is out: "not (C)", "rules
    out option C", "all except C"."""
    return _DENIED.search(text[max(place - _NEAR, 0) : place]) is not None


def is_assumed(text: str, place: int) -> bool:
    """Whether a statement that begins at `place` is one that is only assumed, asked or doubted:
    "Assume the answer is C", "whether C is correct", "I don't think that C is right"."""
    return _ASSUMED.search(text[max(place - _NEAR, 0) : place]) is not None


def is_retracted(text: str, end: int) -> bool:
    """Whether the next sentence takes back what ends at `end`: "B. Wait, that's wrong"."""
    return _RETRACTED.match(text, end) is not None


def is_conditional(text: str, place: int, end: int) -> bool:
    """Whether a statement between `place` and `end` holds under a condition of its sentence: "if
    x = 1, the answer would be C"; not so what is concluded: "if x = 1, y = 2, so it is C"."""
    if _BEHIND.match(text, end):
        return True
    before = text[max(place - _SENTENCE, 0) : place]
    sentence = before[max((found.end() for found in _SENTENCE_END.finditer(before)), default=0) :]
    condition = _CONDITION.search(sentence)
    return condition is not None and _CONCLUSION.search(sentence, condition.end()) is None
