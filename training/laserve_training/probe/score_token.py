"""Which token of a model that was not trained for a score can carry one."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from laserve.core.tokens import check_scoring_token, find_token, scoring_candidates

ADDED_TOKEN = "<|self_reward|>"
"""Text of a token that a tokenizer gets."""
_RESERVED = re.compile("reserved|unused", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ScoreToken:
    """z_c of a probe."""

    token_id: int
    text: str
    is_added: bool
    """Whether the tokenizer does not have it yet."""

    def is_beyond(self, rows: int) -> bool:
        """Whether an output layer of so many rows has none for it yet."""
        return self.token_id >= rows


def choose_token(
    tokenizer: PreTrainedTokenizerBase,
    rows: int,
    eos_token_ids: Collection[int],
    named: str | None = None,
) -> ScoreToken:
    """The token that is named; else a special token that is reserved for such uses, or a new one on
    a row beyond the tokenizer's vocabulary, or a special token without a use, or a new one with a
    new row.

    `rows`: how many the output layer has. Raises ConfigurationError for a name of no use.
    """
    if named is not None:
        token_id = find_token(tokenizer, named)
        return ScoreToken(token_id, check_scoring_token(tokenizer, token_id, eos_token_ids), False)
    candidates = [
        ScoreToken(token_id, text, False)
        for text, token_id in scoring_candidates(tokenizer, eos_token_ids).items()
        if token_id < rows
    ]
    reserved = [candidate for candidate in candidates if _RESERVED.search(candidate.text)]
    added = ScoreToken(len(tokenizer), ADDED_TOKEN, True)
    if reserved:
        return reserved[-1]
    return candidates[-1] if candidates and added.is_beyond(rows) else added
