"""The replay's accounts of samples, tokens and steps, worked out by hand."""

import asyncio
from collections.abc import Sequence

import pytest

from laserve.selection.options import SelectionMethod, SelectionOptions
from laserve.selection.outcome import StopCause
from tests.bench.errors import BenchError
from tests.bench.selection import its_hub
from tests.bench.selection.contestants import Contestant, fixed, laserve
from tests.bench.selection.recording import RecordedSample
from tests.bench.selection.replay import Replayed, replay
from tests.bench.selection.virtual_time import VirtualTimeLoop
from tests.unit.bench_selection.recorded import recorded


def played(
    contestant: Contestant, samples: Sequence[RecordedSample], message_tokens: int = 0
) -> Replayed:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(replay(contestant, samples, seed=0, message_tokens=message_tokens))


def account(end: Replayed) -> tuple[int, int, int]:
    return end.samples, end.tokens, end.steps


def majority(n_max: int, n_parallel: int | None) -> Contestant:
    return laserve(
        "majority",
        SelectionOptions(method=SelectionMethod.MAJORITY, n_max=n_max, n_parallel=n_parallel),
    )


def test_waiting_takes_no_time_and_what_ends_together_is_done_together() -> None:
    async def run() -> tuple[float, int]:
        tasks = [asyncio.create_task(asyncio.sleep(seconds)) for seconds in (3000, 7000, 3000)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return asyncio.get_running_loop().time(), len(done)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(run()) == (3000.0, 2)


def test_what_would_hang_for_ever_is_an_error() -> None:
    loop = VirtualTimeLoop()
    future = loop.create_future()
    with pytest.raises(BenchError, match="hang"):
        loop.run_until_complete(future)
    loop.close()


def test_fixed_n_pays_for_all_and_waits_for_the_longest() -> None:
    samples = [recorded("a", 5), recorded("b", 9), recorded("a", 7, is_correct=True)]
    end = played(fixed("fixed", SelectionMethod.MAJORITY, 3), samples)
    assert account(end) == (3, 21, 9)
    assert (end.answer, end.stop_cause) == ("a", StopCause.N_MAX)


def test_the_verdict_is_that_of_the_sample_that_is_the_choice() -> None:
    samples = [
        recorded("a", 5, score=0.1),
        recorded("a", 5, score=0.9, is_correct=True),
        recorded("b", 5, score=0.5),
    ]
    assert played(fixed("fixed", SelectionMethod.WEIGHTED_MAJORITY, 3), samples).is_correct


def test_one_at_a_time_takes_as_many_steps_as_tokens() -> None:
    samples = [recorded("a", 5), recorded("a", 6), recorded("a", 7), recorded("a", 8)]
    # 3 to 0 with one to come.
    assert account(played(majority(4, 1), samples)) == (3, 18, 18)


def test_a_cancelled_sample_costs_the_tokens_that_it_had() -> None:
    # At step 4 the first two end, and the others start. At step 7 the fourth makes it 3 to 0.
    samples = [recorded("a", 4), recorded("a", 4), recorded("b", 20), recorded("a", 3)]
    end = played(majority(4, 2), samples)
    assert account(end) == (4, 4 + 4 + 3 + 3, 7)
    assert (end.answer, end.stop_cause) == ("a", StopCause.UNASSAILABLE)


def test_samples_that_end_in_the_same_step_are_counted_before_another_one_starts() -> None:
    # At step 6 both end, 2 to 0 with one to come: the third never starts.
    samples = [recorded("a", 6), recorded("a", 6), recorded("b", 6)]
    assert account(played(majority(3, 2), samples)) == (2, 12, 6)


def test_a_score_takes_steps_but_no_completion_tokens() -> None:
    samples = [
        recorded("a", 4, confidence=0.1),
        recorded("b", 4, confidence=0.99, score=0.9),
        recorded("c", 4, confidence=0.1),
        recorded("d", 4, confidence=0.1),
    ]
    contestant = laserve("confident", SelectionOptions(n_max=4, n_parallel=1, min_confidence=0.9))
    end = played(contestant, samples, message_tokens=5)
    assert account(end) == (2, 8, 2 * (4 + 5))
    assert (end.confidence, end.abstained) == (0.99, False)


def test_a_sample_that_only_waits_for_its_score_has_all_its_tokens() -> None:
    # Ends: the first at 4 + 5. The second has its 6 tokens by then, and its score only at 11.
    samples = [recorded("a", 4, confidence=0.99), recorded("b", 6), recorded("c", 20)]
    contestant = laserve(
        "confident", SelectionOptions(n_max=3, n_parallel=None, min_confidence=0.9)
    )
    assert account(played(contestant, samples, message_tokens=5)) == (3, 4 + 6 + 9, 9)


def test_the_mean_and_the_highest_confidence_are_those_of_the_winning_answer() -> None:
    samples = [
        recorded("a", 4, confidence=0.2, score=0.9),
        recorded("b", 4, confidence=0.9, score=0.3),
        recorded("a", 4, confidence=0.4, score=0.9),
    ]
    end = played(fixed("fixed", SelectionMethod.WEIGHTED_MAJORITY, 3), samples)
    assert end.confidence == pytest.approx(0.3)
    assert end.highest_confidence == 0.4


def test_held_samples_start_when_those_before_have_ended_and_cost_nothing_until_then() -> None:
    # Rounds of 2, 2 and 4. The second starts at step 8; after it three of four votes agree.
    samples = [
        recorded(text, tokens)
        for text, tokens in zip("abaacccc", (8, 7, 3, 5, 9, 9, 9, 9), strict=True)
    ]
    end = played(its_hub.adaptive(8), samples)
    assert account(end) == (4, 8 + 7 + 3 + 5, 8 + 5)
    assert end.answer == "a"
