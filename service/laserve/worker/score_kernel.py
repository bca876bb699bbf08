"""The Triton kernel of `processor_v2`: reads the score and forces the message, in one launch.

A program has a request: it takes the request's logits rows one after the other. Without drafts
there is one; under speculative decoding a row may need the digit that the row before has read, so
no other program may have it.
"""

from vllm.triton_utils import tl, triton

BLOCK = tl.constexpr(8192)
"""Logits that a program takes at a time, 16 to each of its threads."""

NUM_WARPS = 16
"""One program reads a whole row, so it must have many loads under way at a time."""

_LOWEST = tl.constexpr(-3e38)
"""Below each finite logit, and finite: two infinities have no difference."""


@triton.jit
def log_probability(row_ptr, vocab_size, token):
    """log p(token) of the float32 logits at ``row_ptr``: a float64 scalar in nats, NaN for none.

    One pass: each lane holds the largest logit that it met, and the sum of exp(logit - largest).
    """
    largest = tl.full((BLOCK,), _LOWEST, tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, vocab_size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        logits = tl.load(row_ptr + at, mask=at < vocab_size, other=-float("inf"))
        smaller = tl.exp(-tl.abs(logits - largest))  # the smaller of the two, relative to the other
        total = tl.where(logits > largest, total * smaller + 1.0, total + smaller)
        largest = tl.maximum(logits, largest)
    maximum = tl.max(largest, axis=0)
    total = tl.sum((total * tl.exp(largest - maximum)).to(tl.float64), axis=0)
    logit = tl.load(row_ptr + token).to(tl.float64)
    return logit - maximum.to(tl.float64) - tl.log(total)


@triton.jit
def level_of(logprob, OUT_OF_RANGE: tl.constexpr, RANGE: tl.constexpr):
    """The level of `ScoreCodec.encode`, of float64 nats: rounded half to even, as by PyTorch."""
    carried = (logprob >= -RANGE) & (logprob <= 0.0)
    # Literals would be float32.
    step = tl.full((), RANGE, tl.float64) / tl.full((), OUT_OF_RANGE - 1, tl.int64).to(tl.float64)
    exact = tl.where(carried, -logprob, 0.0) / step
    below = exact.to(tl.int64)
    rest = exact - below.to(tl.float64)
    is_up = (rest > 0.5) | ((rest == 0.5) & (below % 2 == 1))
    return tl.where(carried, below + is_up.to(tl.int64), OUT_OF_RANGE)


@triton.jit
def digit_of(level, place, DIGITS: tl.constexpr, BASE: tl.constexpr, Z_C: tl.constexpr):
    """The token id at ``place`` of `ScoreCodec.encode`, 0 for the most significant digit."""
    for lower in tl.static_range(1, DIGITS):
        level = tl.where(place + lower < DIGITS, level // BASE, level)
    digit = level % BASE
    return digit + (digit >= Z_C).to(tl.int64)


# What may begin anywhere in memory would be compiled twice: for addresses that 16 divides, and not.
@triton.jit(
    do_not_specialize_on_alignment=["slot_ptr", "local_pos_ptr", "pos_ptr", "input_ids_ptr"]
)
def write_messages(
    logits_ptr,  # (R, V) float32
    logits_stride,
    vocab_size,
    slot_ptr,  # (R,): the request's slot
    local_pos_ptr,  # (R,): the row among those of its request
    pos_ptr,  # (R,): the position that was fed
    input_ids_ptr,  # (R,): the token that was fed there
    requests_ptr,  # (slots,): the slot's requests, counted; negative where this one is not armed
    prompt_len_ptr,  # (slots,)
    total_len_ptr,  # (slots,)
    all_token_ids_ptr,  # (slots, length)
    all_token_ids_stride,
    values_ptr,  # (slots, 2) int64: the level that was read last, and for which EOS
    eos_ptr,  # (NUM_EOS,)
    NUM_EOS: tl.constexpr,
    Z_C: tl.constexpr,
    DIGITS: tl.constexpr,
    BASE: tl.constexpr,
    OUT_OF_RANGE: tl.constexpr,
    RANGE: tl.constexpr,
    MAX_ROWS: tl.constexpr,  # of one request
    LOOKBACK: tl.constexpr,
):
    """Masks z_c on the answer rows of armed requests, and forces the message on the others.

    One program for each logits row; all but those of a request's first row end at once.
    """
    first = tl.program_id(0).to(tl.int64)
    if tl.load(local_pos_ptr + first) != 0:
        return
    slot = tl.load(slot_ptr + first).to(tl.int64)
    request = tl.load(requests_ptr + slot)
    if request <= 0:
        return
    prompt_len = tl.load(prompt_len_ptr + slot)
    eos_token_ids = tl.load(eos_ptr + tl.arange(0, NUM_EOS))
    backs = tl.arange(0, LOOKBACK)
    num_rows = tl.num_programs(0)
    for ahead in range(MAX_ROWS):
        row = first + ahead
        # Another request's rows begin with 0 anew.
        if tl.load(local_pos_ptr + row, mask=row < num_rows, other=-1) == ahead:
            row_ptr = logits_ptr + row * logits_stride
            pos = tl.load(pos_ptr + row)
            at = pos - backs
            # Draft tokens of this step are in the rows before.
            is_here = backs <= ahead
            drafted = tl.load(input_ids_ptr + row - backs, mask=is_here, other=0)
            is_output = at >= prompt_len
            committed = tl.load(
                all_token_ids_ptr + slot * all_token_ids_stride + at,
                mask=is_output & ~is_here,
                other=0,
            )
            tokens = tl.where(is_here, drafted, committed)
            is_eos = (tokens[:, None] == eos_token_ids[None, :]) & is_output[:, None]
            # How many tokens follow the first EOS. A later one is a digit, or a draft that cannot
            # be accepted.
            sent = tl.max(tl.where(is_eos, backs[:, None], -1))
            if sent < 0:
                tl.store(row_ptr + Z_C, -float("inf"))
            else:
                value_ptr = values_ptr + 2 * slot
                # What was read for another EOS is a draft's that was rejected, or was left by a
                # request that was in this slot before.
                eos = (request.to(tl.int64) << 32) + pos - sent
                # An EOS that is prefilled again after a preemption may have a digit behind it
                # already, and the digits of two forward passes do not make one value.
                if (sent == 0) & (pos + 1 >= tl.load(total_len_ptr + slot)):
                    logprob = log_probability(row_ptr, vocab_size, Z_C)
                    tl.store(value_ptr, level_of(logprob, OUT_OF_RANGE, RANGE))
                    tl.store(value_ptr + 1, eos)
                    # All threads have read the row before it is overwritten, and see the value.
                    tl.debug_barrier()
                is_known = tl.load(value_ptr + 1) == eos
                digit = digit_of(tl.load(value_ptr), sent, DIGITS, BASE, Z_C)
                token = tl.where((sent < DIGITS) & is_known, digit, Z_C)
                for start in range(0, vocab_size, BLOCK):
                    at_token = start + tl.arange(0, BLOCK)
                    forced = tl.where(at_token == token, 0.0, -float("inf"))
                    tl.store(row_ptr + at_token, forced, mask=at_token < vocab_size)
