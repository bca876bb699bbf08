"""The rival ways to select, worked out by hand."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from laserve.selection.outcome import StopCause
from tests.bench.selection import deepconf, its_hub
from tests.bench.selection.contestants import Contestant
from tests.bench.selection.recording import RecordedSample
from tests.bench.selection.replay import Replayed, replay
from tests.bench.selection.virtual_time import VirtualTimeLoop
from tests.unit.bench_selection.recorded import recorded


def played(contestant: Contestant, samples: Sequence[RecordedSample]) -> Replayed:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(replay(contestant, samples, seed=0, message_tokens=5))


def texts(answers: str, tokens: Sequence[int]) -> list[RecordedSample]:
    return [recorded(text, count) for text, count in zip(answers, tokens, strict=True)]


def test_its_hub_beta_starts_all_and_cancels_the_rest_at_31_of_32() -> None:
    # P(leader's share > 1/2) is 1 - 1/2^4 = 0.9375 at 3 to 0, and 1 - 1/2^5 = 0.96875 at 4 to 0.
    end = played(its_hub.beta(8), texts("aaaaabcd", (1, 2, 3, 4, 5, 9, 9, 9)))
    assert (end.samples, end.tokens, end.steps) == (8, 1 + 2 + 3 + 4 + 4 * 4, 4)
    assert end.stop_cause == StopCause.POSTERIOR


def test_its_hub_beta_wants_more_where_one_disagrees() -> None:
    # 5 to 1: Beta(6, 2) above 1/2 is 1 - (1 + 7) / 2^7 = 0.9375; 6 to 1: 1 - (1 + 8) / 2^8 = 0.965.
    end = played(its_hub.beta(8), texts("baaaaaaa", (1, 2, 3, 4, 5, 6, 7, 8)))
    assert (end.steps, end.tokens) == (7, 1 + 2 + 3 + 4 + 5 + 6 + 7 + 7)


def test_its_hub_adaptive_ends_after_the_first_round_of_one_mind() -> None:
    end = played(its_hub.adaptive(16), texts("aa" + "b" * 14, [4, 6] + [9] * 14))
    assert (end.answer, end.samples, end.tokens, end.steps) == ("a", 2, 10, 6)


def test_its_hub_adaptive_looks_at_its_rounds_only() -> None:
    # Three of the first five agree with the leader by a lot, but a round ends at 4 and at 8 only.
    end = played(its_hub.adaptive(8), texts("abbabbbb", [2] * 8))
    assert (end.answer, end.samples, end.steps) == ("b", 8, 3 * 2)
    assert end.stop_cause == StopCause.N_MAX


def test_its_hub_rounds_double_the_samples() -> None:
    assert [its_hub.round_start(i) for i in range(9)] == [0, 0, 2, 2, 4, 4, 4, 4, 8]


def test_a_token_confidence_is_over_the_most_probable_tokens() -> None:
    assert deepconf.token_confidence([-1.0] * 20 + [-9.0]) == 1.0


def test_group_confidences_are_running_means() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 13.0]
    assert deepconf.group_confidences(values).tolist() == [3.5, 5.5]
    assert deepconf.group_confidences([1.0, 2.0]).tolist() == [1.5]


def confident(text: str, *confidences: float) -> RecordedSample:
    return recorded(text, len(confidences), confidences=confidences)


def test_deepconf_offline_lets_the_confident_share_vote_by_confidence() -> None:
    samples = [
        confident("a", 1.0, 1.0),
        confident("a", 1.0, 1.0, 1.0),
        confident("b", 5.0, 5.0),
        confident("c", 2.0, 4.0),
    ]
    # Half of four: those at or above the median of 1, 1, 3 and 5, which is 2.
    half = played(deepconf.offline(0.5, 4), samples)
    assert (half.answer, half.tokens, half.steps) == ("b", 9, 3)
    # All of them: 1 + 1 for a, 5 for b, 3 for c.
    assert played(deepconf.offline(1.0, 4), samples).answer == "b"
    assert [one.is_complete for one in deepconf.keep_best(0.5)(samples)] == [
        False,
        False,
        True,
        True,
    ]


def test_deepconf_weighs_in_proportion_to_confidence() -> None:
    samples = [confident("a", 2.0), confident("a", 2.5), confident("b", 4.0)]
    assert played(deepconf.offline(1.0, 3), samples).answer == "a"
    samples[0] = confident("a", 1.0)
    assert played(deepconf.offline(1.0, 3), samples).answer == "b"


def test_deepconf_online_stops_a_sample_at_the_token_that_falls_short() -> None:
    high, low = [4.0] * 8, [4.0] * 6 + [1.0, 4.0]
    samples = [
        confident("a", *high),
        confident("b", *high),
        confident("c", *high),
        confident("d", *low),
        confident("e", *[4.0] * 5, 1.0, 1.0, 4.0),
        confident("a", *high),
    ]
    # The warm-up's lowest groups are 4, 4, 4 and 3.5; 75 % lie above their 25th percentile, 3.875.
    # The fifth's first group of 6 is (5 * 4 + 1) / 6 = 3.5: it ends there.
    plays = deepconf.stop_below(0.75)(samples)
    assert [one.is_complete for one in plays] == [True, True, True, False, False, True]
    assert [one.completion_tokens for one in plays] == [8, 8, 8, 8, 6, 8]
    end = played(deepconf.online(0.75, 6), samples)
    assert (end.answer, end.tokens, end.steps) == ("a", 5 * 8 + 6, 16)


def test_deepconf_online_ends_after_the_warm_up_where_it_is_of_one_mind() -> None:
    samples = [confident("a", *[4.0] * 8) for _ in range(4)] + [confident("b", *[4.0] * 8)] * 4
    end = played(deepconf.online(0.9, 8), samples)
    assert (end.answer, end.samples, end.tokens, end.steps) == ("a", 4, 32, 8)


def test_deepconf_throws_away_whole_what_is_shorter_than_a_group() -> None:
    samples = [confident("a", 4.0, 4.0)] * 4 + [confident("b", 1.0, 1.0, 1.0)]
    last = deepconf.stop_below(0.5)(samples)[-1]
    assert (last.is_complete, last.completion_tokens) == (False, 3)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_that_is_kept_is_the_scripts_percentile(share: float) -> None:
    tails = np.random.default_rng(0).random(16)
    kept = deepconf.keep_best(share)([confident("a", tail) for tail in tails])
    expected = tails >= np.percentile(tails, 100 * (1 - share))
    assert [one.is_complete for one in kept] == expected.tolist()
