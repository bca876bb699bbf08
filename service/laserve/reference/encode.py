"""From rows of text to token ids, as the server would see them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from pydantic import JsonValue
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.eos import EosTokens, join_eos_tokens
from laserve.errors import ConfigurationError, DataError
from laserve.reference.rows import Row


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """The token ids of one row; `completion` is None where the model is to write it."""

    where: str
    prompt: list[int]
    completion: list[int] | None
    """Ends with its EOS."""


def find_eos_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> EosTokens:
    """The EOS ids of the tokenizer and of the model's generation settings. Raises
    ConfigurationError where there is none."""
    generation = model.generation_config
    configured = None if generation is None else generation.eos_token_id
    eos = join_eos_tokens(tokenizer.eos_token_id, configured)
    if eos is None:
        raise ConfigurationError(
            "neither the tokenizer nor generation_config.json states an EOS: set eos_token_id in "
            "generation_config.json"
        )
    return eos


def encode_rows(
    rows: Mapping[str, Row],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    z_c: int,
    eos: EosTokens,
    max_new_tokens: int,
    limit: str = "--max-new-tokens",
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
) -> list[EncodedRow]:
    """Token ids of each row; `limit` is what sets `max_new_tokens`, for messages. Raises DataError,
    with where the row stands, for one of no use."""
    context = context_of(model)
    encoded = []
    for where, row in rows.items():
        prompt = encode_prompt(where, row.conversation, tokenizer, chat_template_kwargs)
        completion = None
        if row.completion is not None:
            completion = [*_encode_text(row.completion, tokenizer), eos.primary]
            if eos.every.intersection(completion[:-1]):
                raise DataError(
                    f"{where}: the completion contains an EOS token: leave it out of the text, it "
                    "is appended"
                )
        if z_c in prompt or z_c in (completion or ()):
            raise DataError(
                f"{where} contains z_c={z_c}, which must never occur in text: choose another token"
            )
        length = len(prompt) + (max_new_tokens if completion is None else len(completion))
        if length > context:
            raise DataError(
                f"{where} takes {length} tokens, the model's context has {context}: shorten it"
                + (f" or lower {limit}" if completion is None else "")
            )
        encoded.append(EncodedRow(where, prompt, completion))
    return encoded


def context_of(model: PreTrainedModel) -> float:
    """How many tokens the model takes; infinity where its configuration does not say."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or math.inf


def encode_prompt(
    where: str,
    conversation: Sequence[Mapping[str, JsonValue]],
    tokenizer: PreTrainedTokenizerBase,
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
) -> list[int]:
    """Token ids of a conversation up to the assistant's turn, as the server makes them of it.

    By the chat template with `chat_template_kwargs`; where there is none, a single user message is
    plain text, as /v1/completions takes it. A null in a message is a key that it has not, as tables
    give each row the keys of all. Raises DataError, with `where` the conversation stands.
    """
    messages = [_without_nulls(message) for message in conversation]
    if tokenizer.chat_template is None:
        match messages:
            case [{"role": "user", "content": str(text)}]:
                # With the special tokens that plain text gets, such as a BOS.
                ids = list(tokenizer(text).input_ids)
            case _:
                raise DataError(
                    f"{where} is no single text of the user's, and the tokenizer has no chat "
                    "template for more: give `prompt`, or the tokenizer a chat_template"
                )
    else:
        variables: dict[str, Any] = dict(chat_template_kwargs or {})
        try:
            rendered = tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False, **variables
            )
        except (jinja2.TemplateError, TypeError) as error:
            raise DataError(f"{where}: the chat template refuses it: {error}") from error
        ids = _encode_text(str(rendered), tokenizer)
    if not ids:
        raise DataError(f"{where}: the prompt has no token")
    return ids


def _without_nulls(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _without_nulls(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_without_nulls(item) for item in value]
    return value


def _encode_text(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False).input_ids)
