"""Parts of the V2 processor's kernel as kernels of their own, interpreted."""

from collections.abc import Callable
from typing import Any

from triton import language as tl
from triton.runtime.interpreter import InterpretedFunction

from laserve.worker import score_kernel

interpreted: Callable[[Any], Any] = InterpretedFunction


@interpreted
def encode(
    values_ptr,
    tokens_ptr,
    DIGITS: tl.constexpr,
    BASE: tl.constexpr,
    OUT_OF_RANGE: tl.constexpr,
    RANGE: tl.constexpr,
    Z_C: tl.constexpr,
    COUNT: tl.constexpr,
):
    index = tl.arange(0, COUNT)
    level = score_kernel.level_of(tl.load(values_ptr + index), OUT_OF_RANGE, RANGE)
    for place in tl.static_range(DIGITS):
        digit = score_kernel.digit_of(level, place, DIGITS, BASE, Z_C)
        tl.store(tokens_ptr + index * DIGITS + place, digit)


@interpreted
def log_probabilities(logits_ptr, logits_stride, vocab_size, token, out_ptr):
    row = tl.program_id(0)
    value = score_kernel.log_probability(logits_ptr + row * logits_stride, vocab_size, token)
    tl.store(out_ptr + row, value)
