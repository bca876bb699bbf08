"""Rows that golden probes ask for are kept by both processors, and leave everything else alone."""

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from laserve.core.probes import ProbeRow
from laserve.hot_load.probe_rows import compare_rows
from laserve.worker.probe_rows import take_rows
from laserve.worker.row_sketch import MAX_BUCKETS, RowSketch, buckets_for, sketch_row
from tests.unit.worker.toy_model import ToyModel, ToyRequest, all_kinds
from tests.unit.worker.v1_runner import V1Runner
from tests.unit.worker.v2_runner import V2Runner

VOCABULARIES = (23, 384, 49_152, 151_936)


def kept(row: RowSketch, position: int = 1) -> ProbeRow:
    """As a manifest has it."""
    return ProbeRow(
        position=position,
        vocab_size=row.vocab_size,
        top_token_ids=tuple(row.top_token_ids),
        top_logprobs=tuple(row.top_logprobs),
        sketch=base64.b64encode(row.buckets).decode(),
    )


def logits_of(vocab_size: int) -> torch.Tensor:
    """Like a language model's: some tokens stand out."""
    generator = torch.Generator().manual_seed(vocab_size)
    return 3 * torch.randn(vocab_size, generator=generator)


@pytest.mark.parametrize("runner", [V1Runner, V2Runner])
@pytest.mark.parametrize("chunk", [2, 10_000])
def test_a_probe_leaves_the_row_behind_its_prompt_among_requests_of_every_kind(
    runner: Any, chunk: int
) -> None:
    model = ToyModel()
    take_rows("")
    probes = [
        ToyRequest([30, 31, 32, i], armed=False, limit=1, probe=f"probe-{i}") for i in range(6)
    ]
    others = all_kinds(12, limit=6)
    mixed = [request for pair in zip(others[:6], probes, strict=True) for request in pair]
    runner(model, chunk=chunk).run(mixed + others[6:])
    assert take_rows("another-") == {}
    rows = take_rows("probe-")
    assert rows.keys() == {probe.probe for probe in probes}
    for probe in probes:
        expected = sketch_row(model.row(probe.prompt))
        assert rows[str(probe.probe)]["top_token_ids"] == expected.top_token_ids
        assert compare_rows(kept(expected), RowSketch(**rows[str(probe.probe)])).largest < 1e-5
    assert take_rows("") == {}


@pytest.mark.parametrize("runner", [V1Runner, V2Runner])
def test_probes_change_no_token_of_the_others(runner: Any) -> None:
    model = ToyModel()
    alone = runner(model).run(all_kinds(8, limit=10))
    probes = [ToyRequest([30, i], armed=False, limit=1, probe=f"probe-{i}") for i in range(4)]
    others = all_kinds(8, limit=10)
    runner(model, slots=16).run([*others, *probes])
    assert [request.output for request in others] == [request.output for request in alone]
    take_rows("")


@pytest.mark.parametrize("vocab_size", VOCABULARIES)
def test_the_sketch_is_the_signed_sum_of_each_bucket(vocab_size: int) -> None:
    logits = logits_of(vocab_size)
    logprobs = logits.double().log_softmax(0)
    buckets = np.frombuffer(sketch_row(logits).buckets, dtype="<f4")
    assert len(buckets) == buckets_for(vocab_size) <= MAX_BUCKETS
    # By one token at a time: its bucket and its sign are what changes.
    for token in range(0, vocab_size, max(1, vocab_size // 5)):
        raised = logits.clone()
        raised[token] += 1.0
        changed = np.frombuffer(sketch_row(raised).buckets, dtype="<f4") - buckets
        shift = float(raised.double().logsumexp(0) - logits.double().logsumexp(0))
        assert sorted(np.abs(changed))[-1] == pytest.approx(1.0, abs=20 * shift + 1e-4)
    # Signs and places are spread: no bucket is much fuller than others, and the sum is near 0.
    assert np.abs(buckets).max() < 8 * float(logprobs.abs().max()) * max(
        1.0, (vocab_size / len(buckets)) ** 0.5
    )


@pytest.mark.parametrize("vocab_size", VOCABULARIES)
def test_rounding_is_small_and_two_tokens_that_are_swapped_are_not(vocab_size: int) -> None:
    logits = logits_of(vocab_size)
    expected = kept(sketch_row(logits))
    rounded = compare_rows(expected, sketch_row(logits.bfloat16()))
    # bfloat16 keeps 8 bits of logits up to 13: 1/32 each.
    assert rounded.largest < 0.2
    assert compare_rows(expected, sketch_row(logits + 3.0)).largest < 1e-4
    order = logits.argsort(descending=True)
    for first, second in ((0, -1), (vocab_size // 4, -(vocab_size // 4))):
        swapped = logits.clone()
        swapped[order[[first, second]]] = logits[order[[second, first]]]
        assert compare_rows(expected, sketch_row(swapped)).largest > rounded.largest


def test_of_the_most_probable_tokens_one_that_left_them_counts_as_far_as_it_can_be_told() -> None:
    logits = logits_of(49_152)
    expected = kept(sketch_row(logits))
    gone = logits.clone()
    gone[expected.top_token_ids[0]] = -100.0
    difference = compare_rows(expected, sketch_row(gone))
    assert difference.top > 1.0
    assert difference.other_argmax
    fault = difference.fault(tolerance=0.5)
    assert fault is not None
    assert "one of the most probable tokens is off" in fault


def test_the_most_probable_token_counts_only_where_it_is_far_enough_before_the_next() -> None:
    logits = torch.zeros(384)
    logits[:2] = torch.tensor([5.0, 4.9])
    other = logits.clone()
    other[:2] = torch.tensor([4.9, 5.0])
    difference = compare_rows(kept(sketch_row(logits)), sketch_row(other))
    assert difference.other_argmax
    assert difference.fault(tolerance=0.2) is None
    assert difference.fault(tolerance=0.05) is not None
    # As where the values of both were lost.
    far = replace(difference, top=0.0, sketch=0.0, margin=1.0)
    assert far.fault(tolerance=0.2) == "another token is the most probable one, by 1 nats"


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_infinitely_far(spoilt: float) -> None:
    logits = logits_of(384)
    broken = logits.clone()
    broken[300] = spoilt
    difference = compare_rows(kept(sketch_row(logits)), sketch_row(broken))
    assert difference.largest == float("inf")
    assert difference.fault(tolerance=0.5) is not None


def test_a_row_of_another_vocabulary_is_infinitely_far() -> None:
    difference = compare_rows(kept(sketch_row(logits_of(384))), sketch_row(logits_of(385)))
    assert difference.largest == float("inf")
