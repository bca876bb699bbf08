"""Numbers in English words: "twenty-one", "three hundred", "two thirds", "one and a half"."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
"""
_BELOW_TWENTY, _TENS = _WORDS.split()[:20], _WORDS.split()[20:]
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_PARTS = {
    "half": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}


def _wholes() -> Iterator[tuple[str, int]]:
    yield from ((word, value) for value, word in enumerate(_BELOW_TWENTY))
    for ten, word in enumerate(_TENS, start=2):
        yield word, 10 * ten
        yield from ((f"{word} {_BELOW_TWENTY[one]}", 10 * ten + one) for one in range(1, 10))


def _fractions() -> Iterator[tuple[str, Fraction]]:
    yield "half", Fraction(1, 2)
    for part, denominator in _PARTS.items():
        # A "third" without a number is an ordinal.
        yield from ((f"{one} {part}", Fraction(1, denominator)) for one in ("a", "one"))
        for value, word in enumerate(_BELOW_TWENTY[2:], start=2):
            yield f"{word} {part.replace('half', 'halve')}s", Fraction(value, denominator)


_WHOLES: Mapping[str, int] = dict(_wholes())
_FRACTIONS: Mapping[str, Fraction] = dict(_fractions())


def number_in_words(words: str) -> Fraction | None:
    """The number that words in lower case are: below a hundred, as many hundreds up to billions, or
    a fraction down to tenths, behind a whole number or not; None where they are none."""
    words = words.replace("-", " ")
    if words in _FRACTIONS:
        return _FRACTIONS[words]
    whole, _, part = words.partition(" and ")
    if part:
        return _sum(_WHOLES.get(whole), _FRACTIONS.get(part))
    count, _, scale = words.rpartition(" ")
    if scale in _SCALES and count in _WHOLES:
        return Fraction(_WHOLES[count] * _SCALES[scale])
    return Fraction(_WHOLES[words]) if words in _WHOLES else None


def _sum(whole: int | None, part: Fraction | None) -> Fraction | None:
    return None if whole is None or part is None else whole + part
