"""The kernel of the V2 processor, interpreted, against references in plain PyTorch and Python."""

import math
import random

import numpy as np
import pytest
import torch

from laserve.worker.codec import RANGE, ScoreCodec
from tests.unit.worker.drafter import drafter
from tests.unit.worker.parts_of_kernel import encode, log_probabilities
from tests.unit.worker.reference_messages import ERROR, Reference
from tests.unit.worker.toy_model import ToyModel, all_kinds
from tests.unit.worker.v2_runner import V2Runner

MODELS = {
    digits: ToyModel(vocab_size=vocab_size, eos_token_ids=eos, eos_rate=rate, lowest=lowest)
    for digits, vocab_size, eos, rate, lowest in (
        (1, 48_100, (5, 21, 47_000), 0.25, 52.0),
        (2, 384, (5,), 0.2, 40.0),
        (3, 60, (0, 9, 21, 58, 59), 0.2, 52.0),
        (4, 32, (30, 31), 0.3, 20.0),
    )
}


def encoded(codec: ScoreCodec, values: torch.Tensor) -> torch.Tensor:
    """(N,) float64, N a power of 2 -> (N, D): by the kernel's own arithmetic."""
    tokens = torch.zeros(len(values), codec.digits, dtype=torch.int64)
    encode[(1,)](
        values,
        tokens,
        DIGITS=codec.digits,
        BASE=codec.base,
        OUT_OF_RANGE=codec.out_of_range,
        RANGE=RANGE,
        Z_C=codec.z_c,
        COUNT=len(values),
    )
    return tokens


@pytest.mark.parametrize("vocab_size", [17, 37, 38, 220, 221, 48_002, 48_003, 151_936, 262_144])
def test_the_kernel_and_the_codec_write_the_same_digits(vocab_size: int) -> None:
    """Also on the borders of levels, where one is as near as the other, and beside them."""
    codec = ScoreCodec(vocab_size, z_c=vocab_size // 3)
    generator = torch.Generator().manual_seed(vocab_size)
    step = RANGE / (codec.out_of_range - 1)
    spread = -RANGE * torch.rand(2048, dtype=torch.float64, generator=generator)
    levels = torch.randint(codec.out_of_range - 1, (512,), generator=generator)
    borders = -(levels.double() + 0.5) * step
    ends = [0.0, -RANGE, -step, 1e-9, -RANGE - 1e-9, -math.inf, math.nan, math.inf]
    values = torch.zeros(8192, dtype=torch.float64)
    some = torch.cat(
        [
            spread,
            spread.float().double(),
            borders,
            *(borders.nextafter(torch.full_like(borders, end)) for end in (0.0, -2 * RANGE)),
            torch.tensor(ends, dtype=torch.float64),
        ]
    )
    values[: len(some)] = some
    assert torch.equal(encoded(codec, values), codec.encode(values))


@pytest.mark.parametrize("vocab_size", [2, 220, 8191, 8192, 8193, 50_257, 151_936])
def test_the_log_probability_is_that_of_float64(vocab_size: int) -> None:
    generator = torch.Generator().manual_seed(vocab_size)
    wide = torch.randn(8, vocab_size, generator=generator)
    rows = wide * torch.tensor([0.0, 0.1, 1.0, 3.0, 10.0, 30.0, 3.0, 3.0])[:, None]
    rows[4] -= 1000  # the largest logit of all is far below 0
    rows[5, 0] = 200.0  # the largest comes first, and takes it all
    rows[6, -1] = 200.0  # and last
    rows[7, 1:] = -math.inf  # a grammar that admits one token
    for token in {0, 1, vocab_size - 1}:
        found = torch.zeros(len(rows), dtype=torch.float64)
        log_probabilities[(len(rows),)](rows, vocab_size, vocab_size, token, found)
        expected = rows.double().log_softmax(1)[:, token]
        # Logits of 1e3 have an ulp of 6e-5, but are taken as they are: differences are exact.
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=ERROR)


@pytest.mark.parametrize("row", [[math.nan, 0.0, 1.0], [math.inf, 0.0, 0.0], [-math.inf] * 3])
def test_a_row_without_a_distribution_has_no_log_probability(row: list[float]) -> None:
    found = torch.zeros(1, dtype=torch.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_probabilities[(1,)](torch.tensor(row), 3, 3, 1, found)
    assert not found.item() <= 0 or found.item() == -math.inf


@pytest.mark.parametrize(
    ("digits", "drafts"), [(1, 0), (2, 0), (3, 0), (2, 1), (1, 3), (3, 3), (4, 5)]
)
def test_every_row_is_as_the_reference_has_it(digits: int, drafts: int) -> None:
    """Random batches: rows of armed and other requests in changing order, prompts with EOS ids,
    prefill in pieces, preemptions, slots that pass from one request to the next, drafts."""
    model = MODELS[digits]
    assert model.codec.digits == digits
    choice = random.Random(digits * 10 + drafts)
    reference = Reference(model)
    runner = V2Runner(
        model,
        slots=6,
        chunk=3,
        num_speculative_tokens=drafts,
        draft=drafter(model, drafts) if drafts else None,
        watch=reference.watch,
        order=choice,
    )
    requests = all_kinds(12, limit=20)
    for request in requests[::3]:
        request.prompt += [model.eos_token_ids[-1]]
    waiting = list(requests)
    while waiting or runner.running:
        choice.shuffle(runner.free)
        while waiting and runner.free:
            runner.add(waiting.pop(0))
        runner.step()
        if runner.running and choice.random() < 0.3:
            preempted = runner.remove(choice.choice(list(runner.running)))
            reference.forget(preempted)
            waiting.append(preempted)
    kinds = {"unarmed", "masked", "read", *(f"digit {i}" for i in range(digits))}
    # The scheduler ends a request at its last digit: only drafts lie behind it.
    kinds |= {"end"} if drafts else set()
    assert kinds <= reference.rows.keys()
    assert reference.rows["read"] >= 8
    assert all(request.finished(model) for request in requests)
