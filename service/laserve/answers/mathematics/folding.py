"""Runs of letters: words, of which the case means nothing, and products of variables.

`Paris` is `paris`, but `TT` is not `Tt`, `CO` not `Co`, `ABC` not `abc`.
"""

import re

_SHORT_WORDS = """
yes no on in at as by to up we he me my is am an or of off so do go ok oh hi if be de re
ex et la le un el en es si ja da ne oui non nie tak nein all any one two six ten odd even add
sum out old new red day sun mon tue wed thu fri sat jan feb mar apr may jun jul aug sep oct nov
dec the and not but for are was you she him her his its why how now low top big few man men
boy dad mom son end yet too via per
"""
_SHORT = frozenset(_SHORT_WORDS.split())
"""Words of two and three letters."""
_SYLLABLE = re.compile(r"[b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]")
_HAS_BOTH = re.compile(r"[aeiouy].*[b-df-hj-np-tv-xz]|[b-df-hj-np-tv-xz].*[aeiouy]")
_GENES = re.compile(r"(?:(.)\1)+")
_CORNERS = frozenset("ABCDEFGH")


def folded(word: str) -> str:
    """A word in lower case; a run of letters that need not be a word as it is."""
    small = word.casefold()
    is_of_one_case = word.islower() or word.isupper() or word.istitle()
    return small if is_of_one_case and _is_word(word, small) else word


def is_product(run: str) -> bool:
    """Whether a run of letters is a product of variables: xy, ab, rst."""
    if not (run.isascii() and run.islower() and 2 <= len(run) <= 3) or run in _SHORT:
        return False
    return len(run) == 2 or _is_row(run) or not re.search("[aeiou]", run)


def _is_word(word: str, small: str) -> bool:
    if small in _SHORT or not word.isascii():
        return True
    if len(word) == 3:
        return word.istitle() and bool(_SYLLABLE.fullmatch(small))
    are_corners = word.isupper() and len(set(word) & _CORNERS) == len(word)
    is_symbol = len(word) < 4 or are_corners or _is_row(small) or _GENES.fullmatch(small)
    return not is_symbol and bool(_HAS_BOTH.search(small))


def _is_row(run: str) -> bool:
    """Whether letters follow each other in the alphabet, in any order: abc, xzy."""
    places = sorted(map(ord, run))
    return places == list(range(places[0], places[0] + len(places)))
