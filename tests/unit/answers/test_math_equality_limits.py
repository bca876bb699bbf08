"""Answers that take too long as mathematics, and processes that hang, die or do not start."""

import asyncio
import threading

import pytest

from laserve.answers import math_equality
from laserve.answers.math_equality import MathEquality, MathEqualityPool
from laserve.answers.mathematics.key import math_key
from laserve.errors import ConfigurationError
from tests.unit.answers.math_answers import are_same
from tests.unit.selection.samples import PlayedBack, run, samples

ENDLESS = "endless"


def endless_key(answer: str) -> str:
    """In the place of `math_key`, as no answer keeps that busy."""
    while answer == ENDLESS:
        pass
    return math_key(answer)


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
