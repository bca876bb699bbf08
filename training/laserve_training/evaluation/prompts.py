"""Prompts of problems, as the server would see them."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.reference.encode import encode_rows, find_eos_tokens
from laserve_training.problem import Problem
from laserve_training.rows import as_rows


def prompts_of(
    problems: Sequence[Problem],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    z_c: int,
    max_tokens: int,
    chat_template_kwargs: Mapping[str, JsonValue] | None,
) -> dict[str, list[int]]:
    """Token ids of each prompt, by where its problem stands. Raises DataError for one that leaves
    no room for `max_tokens`."""
    encoded = encode_rows(
        as_rows(problems),
        model,
        tokenizer,
        z_c=z_c,
        eos=find_eos_tokens(model, tokenizer),
        max_new_tokens=max_tokens,
        limit="evaluate.max_tokens",
        chat_template_kwargs=chat_template_kwargs,
    )
    return {row.where: row.prompt for row in encoded}
