"""When two answers are the same, as strings and as mathematics."""

import asyncio
import threading
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers.equality import MAX_MATH_CHARS, MathEquality, MathEqualityPool, StringEquality
from laserve.answers.normal_form import MAX_ANSWER_CHARS, normal_form

ENDLESS = "9^{9^{9^9}}"

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
        # Not all of it
        ("and so on...", "and so on..."),
        ("and so on…", "and so on..."),
        (".", "."),
        ("$$", "$$"),
        ("$ $", "$ $"),
        ("$5", "$5"),
        ("$5$ or $6$", "$5$ or $6$"),
        (r"$5\$", r"$5\$"),
        ("Yes", "Yes"),
        ("", ""),
    ],
)
def test_differences_that_mean_nothing_are_taken_off(answer: str, form: str) -> None:
    assert normal_form(answer) == form


@given(st.text() | st.text("$\\. \n5\u0301\u0338ﬁ…\ud800", max_size=30))
def test_a_normal_form_is_its_own(answer: str) -> None:
    form = normal_form(answer)
    assert normal_form(form) == form
    assert unicodedata.is_normalized("NFKC", form)
    assert bool(form) == bool(answer.strip())


def test_long_answers_are_taken_as_they_are() -> None:
    # Sorting these marks would take minutes.
    marks = "a" + "\u0301\u0316" * 500_000
    assert normal_form(marks) == marks
    assert normal_form("5." + " " * MAX_ANSWER_CHARS) != "5"


# --- strings ---


async def test_answers_of_the_same_normal_form_are_the_same() -> None:
    equality = StringEquality()
    assert await equality.find("5.", ["4", "5", "5"]) == 1
    assert await equality.find("6", ["4", "5"]) is None
    assert await equality.find("1/2", ["0.5"]) is None
    assert await equality.find("5", []) is None
    assert equality.timeouts == 0


@given(st.lists(st.text("ab .$", max_size=3), max_size=5), st.text("ab .$", max_size=3))
def test_a_group_is_found_by_its_representative(others: list[str], answer: str) -> None:
    found = asyncio.run(StringEquality().find(answer, others))
    same = [i for i, other in enumerate(others) if normal_form(other) == normal_form(answer)]
    assert found == (same[0] if same else None)


# --- mathematics ---


@pytest.fixture(scope="module")
def pool() -> Iterator[MathEqualityPool]:
    # Long enough for a busy machine.
    pool = MathEqualityPool(workers=1, timeout_s=20.0)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1/2", "0.5"),
        (r"\frac{1}{2}", "0.50"),
        ("$x^2+2x+1$", "(x+1)^2"),
        (r"\{1, 2\}", r"\{2, 1\}"),
        ("x=5", "5"),
        ("5 cm", "5"),
        ("1,234", "1234"),
        ("1<x<2", "(1,2)"),
        (r"\text{Paris}", "Paris"),
        ("infinity", r"\infty"),
        ("Yes", " Yes."),
    ],
)
async def test_equal_values_are_the_same_both_ways(
    one: str, other: str, pool: MathEqualityPool
) -> None:
    equality = MathEquality(pool)
    assert await equality.find(one, ["17", other]) == 1
    assert await equality.find(other, ["17", one]) == 1
    assert equality.timeouts == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5", "6"),
        ("(1,2)", "(2,1)"),
        ("x=1", "y=1"),
        ("5", ""),
        ("5", r"\frac{}{}"),
        ("no idea", "5"),
        # math-verify alone takes words for products of their letters.
        ("no", "on"),
        ("listen", "silent"),
        ("New York", "York New"),
        ("\ud800", "5"),
    ],
)
async def test_other_answers_are_not(one: str, other: str, pool: MathEqualityPool) -> None:
    equality = MathEquality(pool)
    assert await equality.find(one, [other]) is None
    assert await equality.find(other, [one]) is None
    assert equality.timeouts == 0


async def test_an_answer_joins_the_first_group_that_it_equals(pool: MathEqualityPool) -> None:
    equality = MathEquality(pool)
    assert await equality.find("1/2", ["x", "0.5", "\\frac12"]) == 1
    assert await equality.find("0.500", ["x", "0.5", "0.500"]) == 2  # the same string


async def test_long_answers_are_compared_as_strings(pool: MathEqualityPool) -> None:
    equality = MathEquality(pool)
    long = "0." + "5" * MAX_MATH_CHARS
    assert await equality.find(long, [f"{long}0"]) is None
    assert await equality.find(f"{long}.", [long]) == 0
    # The places of the others stay.
    assert await equality.find("1/2", [long, "x", "0.5"]) == 2


async def test_after_a_comparison_without_end_the_request_compares_strings() -> None:
    pool = MathEqualityPool(workers=1, timeout_s=0.5)
    try:
        hostile = MathEquality(pool)
        assert await hostile.find(ENDLESS, ["5"]) is None
        assert hostile.timeouts == 1
        assert await hostile.find(ENDLESS, ["5", "6"]) is None
        assert await hostile.find("0.5", [ENDLESS, "1/2"]) is None
        assert await hostile.find("5.", [ENDLESS, "5"]) == 1
        assert hostile.timeouts == 1
    finally:
        pool.close()


async def test_the_next_request_is_not_harmed() -> None:
    short = MathEqualityPool(workers=1, timeout_s=2.0)
    try:
        hostile, other = MathEquality(short), MathEquality(short)
        assert await hostile.find(ENDLESS, ["5"]) is None
        assert await other.find("1/2", ["0.5"]) == 0
        assert (hostile.timeouts, other.timeouts) == (1, 0)
    finally:
        short.close()


async def test_no_request_is_charged_for_the_start_of_a_process() -> None:
    # To start takes longer than a comparison may.
    pool = MathEqualityPool(workers=1, timeout_s=0.5)
    try:
        requests = [MathEquality(pool) for _ in range(4)]
        found = await asyncio.gather(*(request.find("1/2", ["0.5"]) for request in requests))
        assert found == [0] * 4
        assert await MathEquality(pool).find(ENDLESS, ["5"]) is None
        found = await asyncio.gather(*(request.find("1/2", ["0.5"]) for request in requests))
        assert found == [0] * 4
        assert [request.timeouts for request in requests] == [0] * 4
    finally:
        pool.close()


async def test_who_finds_no_process_free_compares_strings() -> None:
    pool = MathEqualityPool(workers=1, timeout_s=0.2)
    is_over = threading.Event()
    pool._threads.submit(is_over.wait)
    try:
        equality = MathEquality(pool)
        assert await equality.find("1/2", ["0.5"]) is None
        assert equality.timeouts == 1
        assert await equality.find("1/2.", ["0.5", "1/2"]) == 1
    finally:
        is_over.set()
        pool.close()


async def test_the_event_loop_goes_on_while_answers_are_compared() -> None:
    pool = MathEqualityPool(workers=1, timeout_s=2.0)
    try:
        before, turns = set(threading.enumerate()), 0
        find = asyncio.ensure_future(MathEquality(pool).find(ENDLESS, ["5"]))
        while not find.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 20
        threads = set(threading.enumerate()) - before
        assert all(thread.name.startswith("math-equality") for thread in threads)
    finally:
        pool.close()


async def test_a_request_that_is_given_up_leaves_the_pool_usable(pool: MathEqualityPool) -> None:
    find = asyncio.ensure_future(MathEquality(pool).find("x^2+1", ["x^2+2"]))
    await asyncio.sleep(0)
    find.cancel()
    with pytest.raises(asyncio.CancelledError):
        await find
    assert await MathEquality(pool).find("1/2", ["0.5"]) == 0
