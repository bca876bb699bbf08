"""When two answers are the same, as strings and as mathematics."""

import asyncio
import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers.equality import StringEquality
from laserve.answers.extraction import make_extractor
from laserve.answers.math_equality import MathEquality, MathEqualityPool
from laserve.answers.mathematics.key import math_key
from laserve.answers.normal_form import MAX_ANSWER_CHARS, normal_form
from laserve.selection.ballot import Ballot
from laserve.selection.options import SelectionOptions
from tests.unit.answers.math_answers import are_same
from tests.unit.selection.samples import sample

# --- normal form ---


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        (" a \n\t b ", "a b"),
        ("It is 5.", "It is 5"),
        ("$5$", "5"),
        ("$$ 5 $$", "5"),
        ("$5.$", "5"),
        ("$5$.", "5"),
        (r"$\$5$", r"\$5"),
        ("５％", "5%"),
        ("ﬁve", "five"),
        (r"\(5\)", "5"),
        (r"\[ 5 \].", "5"),
        ("**5**", "5"),
        ("**$5$**.", "5"),
        ("１２", "12"),
        ("𝟏𝟐", "12"),
        ("Ⅳ", "IV"),
        ("73\u200b", "73"),
        ("\ufeff7\u20603", "73"),
        ("\u200b", "\u200b"),
        ("\u200e7\u00ad3\u200f", "73"),
        ("\u20667\u2069", "7"),
        # What would be another answer
        ("10⁵", "10⁵"),
        ("x²", "x²"),
        ("H₂O", "H₂O"),
        ("1½", "1½"),
        ("5㎡", "5㎡"),
        ("①", "①"),
        ("1⒉", "1⒉"),
        ("ℝ", "ℝ"),
        # Not all of it
        ("and so on...", "and so on..."),
        ("and so on…", "and so on..."),
        (".", "."),
        ("$$", "$$"),
        ("$ $", "$ $"),
        ("$5", "$5"),
        ("$5$6$", "$5$6$"),
        (r"\(5\) or \(6\)", r"\(5\) or \(6\)"),
        ("**5** or **6**", "**5** or **6**"),
        ("2**3", "2**3"),
        ("$5$ or $6$", "$5$ or $6$"),
        (r"$5\$", r"$5\$"),
        ("Yes", "Yes"),
        ("", ""),
    ],
)
def test_differences_that_mean_nothing_are_taken_off(answer: str, form: str) -> None:
    assert normal_form(answer) == form


@given(st.text() | st.text("$\\.()[]* \n5\u0301\u0338ﬁ…²½①\ud800", max_size=30))
def test_a_normal_form_is_its_own(answer: str) -> None:
    form = normal_form(answer)
    assert normal_form(form) == form
    assert unicodedata.is_normalized("NFC", form)
    assert bool(form) == bool(answer.strip())


@given(st.text(max_size=20))
def test_digits_stay_the_same_number(answer: str) -> None:
    def digits(text: str) -> list[int]:
        return [unicodedata.decimal(char) for char in text if char.isdecimal()]

    assert digits(normal_form(answer)) == digits(answer)


def test_long_answers_are_taken_as_they_are() -> None:
    # Sorting these marks would take minutes.
    marks = "a" + "\u0301\u0316" * 500_000
    assert normal_form(marks) == marks
    assert normal_form("5." + " " * MAX_ANSWER_CHARS) != "5"


# --- strings ---


async def test_answers_of_the_same_normal_form_are_the_same() -> None:
    equality = StringEquality()
    assert await equality.key("5.") == await equality.key(" $5$") == "5"
    assert await equality.key("6") != "5"
    assert await equality.key("1/2") != await equality.key("0.5")
    assert await equality.key("10⁵") != await equality.key("105")
    assert await equality.key("Yes") != await equality.key("yes")
    assert equality.timeouts == 0


@given(st.text("ab .$", max_size=3), st.text("ab .$", max_size=3))
def test_a_key_is_a_normal_form(one: str, other: str) -> None:
    keys = [asyncio.run(StringEquality().key(answer)) for answer in (one, other)]
    assert (keys[0] == keys[1]) == (normal_form(one) == normal_form(other))


# --- mathematics, in processes ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1/2", "0.5"),
        (r"\frac{1}{2}", "0.50"),
        ("$x^2+2x+1$", "(x+1)^2"),
        (r"\{1, 2\}", r"\{2, 1\}"),
        ("x=5", "5"),
        ("1,234", "1234"),
        ("1<x<2", "(1,2)"),
        (r"\text{Paris}", "Paris"),
        ("infinity", r"\infty"),
        ("Yes", " Yes."),
        # What is 1 is 1, whatever it is called: else it would depend on who comes first.
        ("x=1", "y=1"),
    ],
)
async def test_equal_values_are_the_same(one: str, other: str, pool: MathEqualityPool) -> None:
    equality = MathEquality(pool)
    assert await are_same(one, other, equality)
    assert not await are_same(one, "17", equality)
    assert equality.timeouts == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5", "6"),
        ("(1,2)", "(2,1)"),
        ("5 cm", "5"),
        ("5", ""),
        ("5", r"\frac{}{}"),
        ("no idea", "5"),
        # They are no products of their letters.
        ("no", "on"),
        ("listen", "silent"),
        ("New York", "York New"),
        ("\ud800", "5"),
        ("9^{9^{9^9}}", "9^{9^{9^8}}"),
    ],
)
async def test_other_answers_are_not(one: str, other: str, pool: MathEqualityPool) -> None:
    equality = MathEquality(pool)
    assert not await are_same(one, other, equality)
    assert equality.timeouts == 0


async def test_the_key_is_that_of_the_process_next_door(pool: MathEqualityPool) -> None:
    # What the process is started with (its hash seed) plays no part.
    for answer in ("x+y", "f(2)", "5 apples", r"\{a, b\}", "yes", r"\sum_k k"):
        assert await MathEquality(pool).key(answer) == math_key(answer)


@pytest.mark.parametrize(
    "answers",
    [
        ("50\\%", "50", "0.5"),
        ("x=1", "1", "y=1", "x=y"),
        ("5 m", "500 cm", "5", "5 cm"),
        ("2+2=4", "2+2=5", "4"),
        ("1<x<2", "(1,2)", r"\{1,2\}", "1,2"),
    ],
)
async def test_groups_do_not_depend_on_who_comes_first(
    answers: tuple[str, ...], pool: MathEqualityPool
) -> None:
    options = SelectionOptions(equality="math")
    outcomes = set()
    for order in itertools.permutations(answers):
        ballot = Ballot(options, make_extractor("text", {}), MathEquality(pool), seed=1)
        for answer in order:
            await ballot.add(sample(answers.index(answer), answer))
        standings = ballot.standings()
        outcomes.add(tuple(frozenset(vote.answer for vote in group.members) for group in standings))
    assert len(outcomes) == 1
