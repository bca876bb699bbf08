"""Completions without HTTP carry what a Hugging Face forward says of them."""

import pytest

from laserve.core.types import Status
from laserve.offline import OfflineEngine
from tests.integration.generating import HuggingFaceReference

PROMPT = list(range(10, 30))
TOP = 4
TOLERANCE = 1e-3
"""Nats; float32 in another order of summation."""


async def test_completions_carry_the_logprobs_of_their_tokens_and_of_the_likeliest(
    offline: OfflineEngine, reference: HuggingFaceReference
) -> None:
    samples = await offline.complete(
        PROMPT, n=8, max_tokens=120, temperature=0.7, seed=3, logprobs=TOP
    )
    assert len({sample.token_ids for sample in samples}) > 1
    assert any(sample.reward.status == Status.SCORED for sample in samples)
    for sample in samples:
        assert sample.logprobs is not None
        assert len(sample.logprobs) == len(sample.token_ids)
        expected = reference.distributions([*PROMPT, *sample.token_ids])[len(PROMPT) - 1 : -1]
        for token, reported, row in zip(sample.token_ids, sample.logprobs, expected, strict=True):
            assert TOP <= len(reported) <= TOP + 1
            assert token in reported
            for candidate, logprob in reported.items():
                assert logprob == pytest.approx(float(row[candidate]), abs=TOLERANCE)
            assert max(reported.values()) == pytest.approx(float(row.max()), abs=TOLERANCE)
        if sample.reward.status == Status.SCORED:
            logprob = reference.logprob(PROMPT, list(sample.token_ids))
            assert sample.reward.logprob == pytest.approx(logprob, abs=TOLERANCE)


async def test_completions_without_logprobs_are_the_same(offline: OfflineEngine) -> None:
    with_them, without = [
        await offline.complete(PROMPT, n=2, max_tokens=20, seed=9, logprobs=count)
        for count in (1, None)
    ]
    assert [sample.token_ids for sample in with_them] == [sample.token_ids for sample in without]
    assert all(sample.logprobs is None for sample in without)
