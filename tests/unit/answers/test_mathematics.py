"""Which answers are one as mathematics, and which are not."""

import itertools
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laserve.answers.mathematics.key import MAX_MATH_CHARS, math_key, read
from laserve.answers.normal_form import normal_form
from tests.unit.tables import read_table

GROUPS = read_table(Path(__file__).with_name("in_groups.txt"))
ANSWERS = [answer for groups in GROUPS.values() for group in groups for answer in group]

HOSTILE = [
    "9^{9^{9^9}}",
    "2^{2^{2^{49}}}",
    "(" * 250 + "1" + ")" * 250,
    r"\frac{" * 80,
    r"\sqrt{" * 70 + "2" + "}" * 70,
    "-" * 500 + "1",
    "5" + "!" * 500,
    "(10^{400})!",
    r"\binom{10^9}{5\cdot10^8}",
    "x^{10^{10}}",
    r"\sin(10^{3000})",
    r"\tan(\pi/2)",
    "e^{e^{e^{e^{e}}}}",
    "1e999999",
    "y!" * 250,
    "5000!" * 100,
    r"\begin{pmatrix}1&1\\1&1\end{pmatrix}" * 13,
    r"1\pm" * 120 + "1",
    "a<b" * 160,
    "5" + " apples" * 70,
    "1/0",
    "0^{-1}",
    "\u0301" * 500,
    "\ud800",
]

FEW = settings(max_examples=25, deadline=None)
"""Each example is several answers."""

# --- the table ---


@pytest.mark.parametrize(
    "group", [group for groups in GROUPS.values() for group in groups], ids=lambda group: group[0]
)
def test_answers_of_one_line_are_one(group: list[str]) -> None:
    assert {answer: math_key(answer) for answer in group} == dict.fromkeys(
        group, math_key(group[0])
    )


@pytest.mark.parametrize("kind", GROUPS)
def test_answers_of_two_lines_are_not(kind: str) -> None:
    heads: dict[str, str] = {}
    for group in GROUPS[kind]:
        assert heads.setdefault(math_key(group[0]), group[0]) == group[0]
    assert len(heads) == len(GROUPS[kind]) > 1


def test_marks_around_an_answer_mean_nothing() -> None:
    for answer in ANSWERS[::4]:
        assert math_key(rf" \boxed{{{answer}}}.") == math_key(answer), answer


# --- an equivalence, of anything ---


@given(st.text(max_size=40) | st.lists(st.sampled_from(ANSWERS), max_size=3).map(" ".join))
@settings(max_examples=50, deadline=None)
def test_every_text_has_one_key_and_so_has_its_normal_form(answer: str) -> None:
    assert math_key(answer) == math_key(normal_form(answer)) == math_key(answer)


PIECES = r"""
1 23 0.5 1,234 x y e i + - * / ^ _ = < > ! % ( ) [ ] { } \{ \} , ; : ' | & $ \\ ½ ⁵ °
\frac \sqrt \pi \sin \log \le \in \cup \pm \infty \circ \text{ \left( \boxed{ \mathbb{R}
cm apples and or in h \begin{pmatrix} \end{pmatrix} 9^{9^{9
"""


@given(st.lists(st.sampled_from(PIECES.split()), max_size=20), st.sampled_from(["", " "]))
@settings(max_examples=150, deadline=None)
def test_whatever_is_put_together_has_a_key(pieces: list[str], space: str) -> None:
    answer = space.join(pieces)
    assert math_key(answer) == math_key(f"${answer}$" if read(answer) else answer)


def test_hostile_answers_have_keys_too_and_no_two_the_same() -> None:
    keys = [math_key(answer) for answer in (*HOSTILE, "0", "1", "")]
    assert len(set(keys)) == len(keys)


def test_long_answers_are_compared_by_their_normal_forms() -> None:
    half = "0." + "5" * MAX_MATH_CHARS
    assert math_key(f"{half}.") == math_key(half) != math_key(f"{half}0")


# --- against other ways to work the same out ---

SIGNED = st.integers(-(10**6), 10**6)
NUMERATORS = st.integers(-(10**12), 10**12)
DENOMINATORS = st.integers(1, 10**6)


@given(NUMERATORS, DENOMINATORS)
@FEW
def test_a_fraction_is_its_value_however_it_is_written(numerator: int, denominator: int) -> None:
    value = Fraction(numerator, denominator)
    written = [
        f"{numerator}/{denominator}",
        rf"\frac{{{numerator}}}{{{denominator}}}",
        rf"-\dfrac{{{-numerator}}}{{{denominator}}}",
        f"({value.numerator})/({value.denominator})",
        rf"x = {value.numerator} \div {value.denominator}",
        rf"\sqrt{{({numerator})^2}}\cdot({1 if numerator >= 0 else -1})/{denominator}",
    ]
    assert set(map(math_key, written)) == {math_key(str(value))}
    assert math_key(str(value + Fraction(1, 10**30))) != math_key(str(value))


@given(st.integers(0, 10**15), st.integers(0, 12))
@FEW
def test_a_decimal_is_exact(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)
    whole, decimals = divmod(digits, 10**places)
    text = f"{whole}.{decimals:0{places}d}" if places else f"{whole}"
    grouped = f"{whole:,}" + text[len(str(whole)) :]
    for written in (text, grouped, grouped.replace(",", "{,}"), grouped.replace(",", r"\,")):
        assert math_key(written) == math_key(str(value)), written
    assert math_key(f"{digits}e-{places}") == math_key(str(value))
    assert math_key(rf"{digits} \times 10^{{-{places}}}") == math_key(str(value))
    assert math_key(str(value + Fraction(1, 10 ** (places + 1)))) != math_key(str(value))


@given(SIGNED, SIGNED, SIGNED)
@FEW
def test_polynomials_are_one_where_their_coefficients_are(a: int, b: int, c: int) -> None:
    product = f"(x+({a}))(x+({b}))"
    assert math_key(product) == math_key(f"x^2+({a + b})x+({a * b})")
    assert math_key(product) == math_key(f"(({a})+x)*(({b})+x)+({c})-({c})")
    assert (math_key(product) == math_key(f"x^2+({a + b})x+({c})")) == (a * b == c)
    assert math_key(f"{a}x+{b}y=1") == math_key(f"2={2 * b}y+{2 * a}x")
    assert (math_key(f"x+{b}y=1") == math_key(f"x+{c}y=1")) == (b == c)


@given(st.integers(2, 10**6), st.integers(1, 1000))
@FEW
def test_roots_are_one_where_their_squares_are(square: int, factor: int) -> None:
    outside = rf"{factor}\sqrt{{{square}}}"
    assert math_key(outside) == math_key(rf"\sqrt{{{factor**2 * square}}}")
    assert math_key(outside) == math_key(rf"\frac{{{factor * square}}}{{\sqrt{{{square}}}}}")
    assert math_key(outside) != math_key(rf"\sqrt{{{factor**2 * square + 1}}}")


@given(st.integers(-(10**4), 10**4))
@FEW
def test_what_holds_on_one_side_of_a_border_does_not_hold(border: int) -> None:
    one, other = f"x-({border})", f"({border})-x"
    absolute = math_key(f"|{one}|")
    assert absolute == math_key(f"|{other}|") == math_key(rf"\sqrt{{({one})^2}}")
    root = math_key(rf"\sqrt{{x^2-({2 * border})x+({border**2})}}")
    largest = math_key(rf"\max(x,{border})")
    keys = [absolute, root, largest, *map(math_key, (one, other, "x", str(border)))]
    # x-0 is x.
    assert len(set(keys)) == (len(keys) if border else len(keys) - 1)
    assert math_key(rf"\ln|{one}|") != math_key(rf"\ln({one})")
    assert math_key(f"|{one}|=5") not in (math_key(str(border - 5)), math_key(str(border + 5)))


@given(st.lists(SIGNED, min_size=2, max_size=5, unique=True), st.randoms())
@FEW
def test_the_order_counts_in_tuples_alone(numbers: list[int], shuffled: random.Random) -> None:
    others = shuffled.sample(numbers, len(numbers))
    for opening, closing in (("", ""), (r"\{", r"\}")):
        one, other = (f"{opening}{', '.join(map(str, row))}{closing}" for row in (numbers, others))
        assert math_key(one) == math_key(other)
    one, other = (f"({', '.join(map(str, row))})" for row in (numbers, others))
    assert (math_key(one) == math_key(other)) == (numbers == others)


@given(st.lists(st.tuples(SIGNED, SIGNED), min_size=1, max_size=4))
@FEW
def test_a_union_is_the_numbers_in_it(bounds: list[tuple[int, int]]) -> None:
    intervals = [sorted(pair) for pair in bounds if pair[0] != pair[1]]
    written = [rf"[{lower},{upper})" for lower, upper in intervals]
    ends = sorted(itertools.chain(*intervals))
    # The same numbers, cut at every end there is.
    cut = [
        f"[{lower},{upper})"
        for lower, upper in itertools.pairwise(ends)
        if lower < upper and any(a <= lower and upper <= b for a, b in intervals)
    ]
    if len(written) > 1:
        keys = {math_key(r" \cup ".join(row)) for row in (written, written[::-1], cut, cut[::-1])}
        assert len(keys) == 1


# --- the document ---


def documented() -> list[tuple[str, str]]:
    """The table of docs/api.md: what is one answer, and what is not."""
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    _, table = text.split("| | one answer | not |\n|---|---|---|\n")
    rows = itertools.takewhile(lambda line: line.startswith("| "), table.splitlines())
    return [(cells[2], cells[3]) for cells in (row.split("|") for row in rows)]


@pytest.mark.parametrize(("one", "apart"), documented())
def test_the_documented_answers_are_one_and_not(one: str, apart: str) -> None:
    for cell, is_one in ((one, True), (apart, False)):
        for group in cell.split(";"):
            answers = re.findall("`([^`]+)`", group)
            keys = set(map(math_key, answers))
            assert len(keys) == (min(1, len(answers)) if is_one else len(answers)), answers
