"""A log-probability as token ids, and back."""

import math

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from laserve.worker.codec import RANGE, TOLERANCE, ScoreCodec

VOCAB_SIZES = st.integers(min_value=17, max_value=200_000)
LOGPROBS = st.floats(min_value=-RANGE, max_value=0.0)


@st.composite
def codecs(draw: st.DrawFn) -> ScoreCodec:
    vocab_size = draw(VOCAB_SIZES)
    return ScoreCodec(vocab_size, draw(st.integers(0, vocab_size - 1)))


def encode(codec: ScoreCodec, logprob: float, dtype: torch.dtype = torch.float64) -> list[int]:
    tokens: list[int] = codec.encode(torch.tensor([logprob], dtype=dtype))[0].tolist()
    return tokens


@given(codecs(), LOGPROBS)
@example(ScoreCodec(221, 220), -RANGE)  # the fewest tokens for two digits: the coarsest step
@example(ScoreCodec(48_003, 0), -RANGE)  # and for one
@example(ScoreCodec(151_936, 151_652), 0.0)
def test_a_value_comes_back_within_the_tolerance(codec: ScoreCodec, logprob: float) -> None:
    decoded = codec.decode(encode(codec, logprob))
    assert decoded is not None
    # Levels lie at most two tolerances apart; 1e-13 is for the double arithmetic around 48.
    assert abs(decoded - logprob) <= TOLERANCE + 1e-13
    assert decoded <= 0.0


@given(codecs(), st.lists(LOGPROBS, min_size=1))
def test_digits_are_tokens_of_the_vocabulary_and_never_z_c(
    codec: ScoreCodec, logprobs: list[float]
) -> None:
    tokens = codec.encode(torch.tensor([*logprobs, -math.inf, math.nan, 1.0], dtype=torch.float64))
    assert tokens.shape == (len(logprobs) + 3, codec.digits)
    assert tokens.dtype == torch.int64
    assert tokens.min() >= 0
    assert tokens.max() < codec.vocab_size
    assert not (tokens == codec.z_c).any()


@given(codecs(), LOGPROBS, LOGPROBS)
def test_a_larger_value_never_decodes_to_less(codec: ScoreCodec, one: float, other: float) -> None:
    low, high = (codec.decode(encode(codec, value)) for value in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low <= high


@given(codecs(), st.floats(min_value=-RANGE, max_value=0.0, width=32))
def test_a_float32_is_encoded_as_its_float64_is(codec: ScoreCodec, logprob: float) -> None:
    assert encode(codec, logprob, torch.float32) == encode(codec, logprob)


@given(codecs(), st.sampled_from([-math.inf, math.inf, math.nan, -RANGE - 1e-9, 1e-9, -1e30]))
def test_what_is_out_of_range_decodes_to_none(codec: ScoreCodec, logprob: float) -> None:
    assert codec.decode(encode(codec, logprob)) is None


@given(codecs(), LOGPROBS, st.data())
def test_an_incomplete_message_decodes_to_none(
    codec: ScoreCodec, logprob: float, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, codec.digits - 1))
    tokens = encode(codec, logprob)[:kept]
    assert codec.decode(tokens) is None
    assert codec.decode([*tokens, codec.z_c]) is None


@given(codecs(), LOGPROBS, st.lists(st.integers(0, 16), max_size=3))
def test_what_follows_the_digits_does_not_matter(
    codec: ScoreCodec, logprob: float, rest: list[int]
) -> None:
    tokens = encode(codec, logprob)
    assert codec.decode([*tokens, codec.z_c, *rest]) == codec.decode(tokens)


@pytest.mark.parametrize(
    ("vocab_size", "digits"),
    # The smallest D with (V - 1)**D >= 48_002: 48 nats in steps of 0.001, both ends of the range
    # included, and one more level for what is out of range.
    [(37, 4), (38, 3), (220, 3), (221, 2), (48_002, 2), (48_003, 1), (49_152, 1), (151_936, 1)],
)
def test_the_number_of_digits_is_the_smallest_that_keeps_the_tolerance(
    vocab_size: int, digits: int
) -> None:
    codec = ScoreCodec(vocab_size, z_c=0)
    assert codec.digits == digits
    assert (vocab_size - 1) ** digits - 2 >= 48_000
    assert (vocab_size - 1) ** (digits - 1) - 2 < 48_000


def test_digits_are_written_in_the_vocabulary_without_z_c() -> None:
    # Worked by hand: 10 ids without z_c = 3, so base 10, and 10**5 levels of 48 / 99_998 nats.
    codec = ScoreCodec(vocab_size=11, z_c=3)
    assert codec.digits == 5
    # -24 nats is level 49_999; digits from 3 on stand one id higher.
    assert encode(codec, -24.0) == [5, 10, 10, 10, 10]
    assert encode(codec, 0.0) == [0, 0, 0, 0, 0]
    assert codec.decode([0, 0, 1, 4, 0]) == pytest.approx(-130 * 48 / 99_998, rel=1e-14)
