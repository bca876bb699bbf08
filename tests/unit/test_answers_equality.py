"""When two answers are the same, as strings and as mathematics."""

import asyncio
import itertools
import threading
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers import math_equality
from laserve.answers.equality import Equality, StringEquality
from laserve.answers.extraction import make_extractor
from laserve.answers.math_equality import MathEquality, MathEqualityPool
from laserve.answers.mathematics.key import math_key
from laserve.answers.normal_form import MAX_ANSWER_CHARS, normal_form
from laserve.errors import ConfigurationError
from laserve.selection.ballot import Ballot
from laserve.selection.options import SelectionOptions
from tests.unit.selection.samples import PlayedBack, run, sample, samples

ENDLESS = "endless"


def endless_key(answer: str) -> str:
    """In the place of `math_key`, as no answer keeps that busy."""
    while answer == ENDLESS:
        pass
    return math_key(answer)


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


@pytest.fixture(scope="module")
def pool() -> Iterator[MathEqualityPool]:
    # Long enough for a busy machine.
    pool = MathEqualityPool(workers=1, timeout_s=20.0)
    yield pool
    pool.close()


async def are_same(one: str, other: str, equality: Equality) -> bool:
    return await equality.key(one) == await equality.key(other)


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


# --- answers that take too long ---


async def test_an_answer_that_takes_too_long_is_compared_as_a_string(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(math_equality, "math_key", endless_key)
    pool = MathEqualityPool(workers=1, timeout_s=0.5)
    try:
        hostile = MathEquality(pool)
        assert not await are_same(ENDLESS, "5", hostile)
        assert hostile.timeouts == 1
        # The same text is not asked again, and has the key that it had.
        assert await are_same(ENDLESS, f" {ENDLESS}.", hostile)
        assert hostile.timeouts == 1
        # What else the request asks is answered.
        assert await are_same("1/2", "0.5", hostile)
        assert hostile.timeouts == 1
    finally:
        pool.close()


async def test_the_next_request_is_not_harmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(math_equality, "math_key", endless_key)
    short = MathEqualityPool(workers=1, timeout_s=2.0)
    try:
        hostile, other = MathEquality(short), MathEquality(short)
        assert not await are_same(ENDLESS, "5", hostile)
        assert await are_same("1/2", "0.5", other)
        assert (hostile.timeouts, other.timeouts) == (1, 0)
    finally:
        short.close()


async def test_no_request_is_charged_for_the_start_of_a_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(math_equality, "math_key", endless_key)
    # To start takes longer than a key may.
    pool = MathEqualityPool(workers=1, timeout_s=0.5)
    try:
        requests = [MathEquality(pool) for _ in range(4)]
        keys = await asyncio.gather(*(request.key("1/2") for request in requests))
        assert keys == [math_key("0.5")] * 4
        assert await MathEquality(pool).key(ENDLESS) != math_key(ENDLESS)
        keys = await asyncio.gather(*(request.key("2/4") for request in requests))
        assert keys == [math_key("0.5")] * 4
        assert [request.timeouts for request in requests] == [0] * 4
    finally:
        pool.close()


async def test_honest_answers_are_compared_beside_a_hundred_of_the_slowest(
    pool: MathEqualityPool,
) -> None:
    slow = [rf"\sqrt{{x+\sin(x+{i})}}^{{\pi}}" * 12 for i in range(100)]
    honest = [MathEquality(pool) for _ in range(100)]
    keys = [pool.key(answer) for answer in slow]
    both = asyncio.gather(*keys, *(request.key("1/2") for request in honest))
    assert (await both)[100:] == [math_key("0.5")] * 100
    assert [request.timeouts for request in honest] == [0] * 100


async def test_who_finds_no_process_free_compares_strings() -> None:
    pool = MathEqualityPool(workers=1, patience_s=0.2)
    is_over = threading.Event()
    pool._threads.submit(is_over.wait)
    try:
        equality = MathEquality(pool)
        assert await equality.key("1/2") != math_key("1/2")
        assert equality.timeouts == 1
        assert await are_same("1/2.", "1/2", equality)
    finally:
        is_over.set()
        pool.close()


async def test_a_request_waits_for_processes_that_start_again_and_again_only_so_long() -> None:
    pool = MathEqualityPool(workers=1, patience_s=0.1)
    is_over = threading.Event()
    pool._threads.submit(is_over.wait)
    # No call finds it prepared: it is starting until then.
    pool._workers[0].start()
    try:
        equality = MathEquality(pool, limit_s=0.5)
        answers = [f"1/{number}" for number in range(2, 22)]
        keys = [await equality.key(answer) for answer in answers]
        assert pool._workers[0].is_starting()
        assert keys == [f"string:{answer}" for answer in answers]
        assert equality.timeouts == len(answers)
    finally:
        is_over.set()
        pool.close()


async def test_a_key_that_is_being_worked_out_is_not_waited_for_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(math_equality, "math_key", endless_key)
    pool = MathEqualityPool(workers=1, timeout_s=3.0)
    try:
        await pool.ready()
        with pytest.raises(TimeoutError):
            await pool.key(ENDLESS, limit_s=0.1)
        # The process is still at it.
        assert not pool._free
    finally:
        pool.close()


async def test_a_selection_at_its_deadline_compares_what_is_left_as_strings() -> None:
    pool = MathEqualityPool(workers=1, patience_s=3600.0)
    is_over = threading.Event()
    pool._threads.submit(is_over.wait)
    try:
        equality = MathEquality(pool, limit_s=3600.0)
        given = samples(("1/2", 0.5), ("0.5", 0.5), ("1/2.", 0.5))
        async with asyncio.timeout(60):  # it would be an hour
            outcome = (
                await run(PlayedBack(given), n_max=3, timeout_s=0.2, equality=equality)
            ).outcome
    finally:
        is_over.set()
        pool.close()
    assert [(votes.answer, votes.count) for votes in outcome.votes] == [("1/2", 2), ("0.5", 1)]
    assert outcome.equality_timeouts == 2


async def test_the_event_loop_goes_on_while_keys_are_worked_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(math_equality, "math_key", endless_key)
    pool = MathEqualityPool(workers=1, timeout_s=2.0)
    try:
        before, turns = set(threading.enumerate()), 0
        key = asyncio.ensure_future(MathEquality(pool).key(ENDLESS))
        while not key.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 20
        threads = set(threading.enumerate()) - before
        assert all(thread.name.startswith("math-equality") for thread in threads)
    finally:
        pool.close()


class Unloadable:
    def __call__(self, answer: str) -> str:
        raise AssertionError

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("what the new process fails on",)


async def test_answers_are_strings_where_no_process_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(math_equality, "math_key", Unloadable())
    pool = MathEqualityPool(workers=1)
    try:
        with pytest.raises(ConfigurationError, match="did not start"):
            await pool.ready()
        equality = MathEquality(pool)
        assert not await are_same("1/2", "0.5", equality)
        assert await are_same("1/2.", "1/2", equality)
        assert equality.timeouts == 2
    finally:
        pool.close()


async def test_a_process_that_is_killed_costs_one_answer_at_most(pool: MathEqualityPool) -> None:
    await pool.ready()
    (worker,) = pool._workers
    assert worker._running is not None
    worker._running[0].kill()
    equality = MathEquality(pool)
    keys = [await equality.key(answer) for answer in ("1/2", "0.5", "2/4", "50\\%")]
    assert keys[1:] == [math_key("0.5")] * 3
    assert equality.timeouts <= 1


async def test_a_ready_pool_has_its_processes_prepared() -> None:
    pool = MathEqualityPool(workers=2)
    try:
        await pool.ready()
        assert not any(worker.is_starting() for worker in pool._workers)
        assert await MathEquality(pool).key("1/2") == math_key("0.5")
    finally:
        pool.close()


async def test_a_request_that_is_given_up_leaves_the_pool_usable(pool: MathEqualityPool) -> None:
    key = asyncio.ensure_future(MathEquality(pool).key("x^2+1"))
    await asyncio.sleep(0)
    key.cancel()
    with pytest.raises(asyncio.CancelledError):
        await key
    assert await MathEquality(pool).key("1/2") == math_key("0.5")
