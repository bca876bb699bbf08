"""Ordinary text, of the model's own: what z_c is held down in.

Each text begins with one token of the vocabulary, drawn at random, and goes on as the model does at
temperature 1: no data is needed, and every script and language that it writes is met.
"""

from collections.abc import Collection
from random import Random

from transformers import PreTrainedTokenizerBase

from laserve_training.evaluation.sampling import SampleRequest
from laserve_training.problem import Problem

TEXT_TOKENS = 128


def text_requests(
    tokenizer: PreTrainedTokenizerBase,
    barred: Collection[int],
    count: int,
    seed: int,
    subject: str,
) -> list[SampleRequest]:
    """Requests for `count` texts of the model `subject`; none begins with a special token, nor with
    one that is `barred`."""
    rng = Random(f"texts {seed}")
    closed = {*barred, *tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    openings = sorted(set(tokenizer.get_vocab().values()) - closed)
    first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    return [
        SampleRequest(
            Problem(f"text {number}", ({"role": "user", "content": ""},), answer=""),
            (*first, rng.choice(openings)),
            samples=1,
            max_tokens=TEXT_TOKENS,
            temperature=1.0,
            seed=seed * count + number,
            subject=subject,
        )
        for number in range(count)
    ]
