"""Which tokens end a completion: the tokenizer's EOS and those of the generation settings, as vLLM
joins them (`SamplingParams.update_from_generation_config`)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EosTokens:
    """The tokens that end a completion."""

    primary: int
    """The one that follows a given completion: the tokenizer's own, or else the first of the
    generation settings."""
    every: frozenset[int]
    """With all of the generation settings: the set that vLLM stops at."""


def join_eos_tokens(
    own: int | None, configured: int | Sequence[int | None] | None
) -> EosTokens | None:
    """From the tokenizer's `eos_token_id` and that of the generation settings, each as it is stated
    there; None where neither states one."""
    settings = list(configured) if isinstance(configured, Sequence) else [configured]
    stated = [token for token in (own, *settings) if token is not None]
    return EosTokens(primary=stated[0], every=frozenset(stated)) if stated else None


def up_to_eos(tokens: Sequence[int], eos_token_ids: Collection[int]) -> list[int]:
    """The tokens up to the first EOS, which is kept; all of them where there is none."""
    end = next((i for i, token in enumerate(tokens) if token in eos_token_ids), len(tokens))
    return list(tokens[: end + 1])
