"""From rows of text to token ids, as the server would see them."""

from collections.abc import Mapping
from dataclasses import dataclass

import jinja2
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
) -> list[EncodedRow]:
    """Token ids of each row. Raises DataError, with where the row stands, for one of no use."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    encoded = []
    for where, row in rows.items():
        prompt = encode_prompt(where, row, tokenizer)
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
        if context is not None and length > context:
            raise DataError(
                f"{where} takes {length} tokens, the model's context has {context}: shorten it"
                + (" or lower --max-new-tokens" if completion is None else "")
            )
        encoded.append(EncodedRow(where, prompt, completion))
    return encoded


def encode_prompt(where: str, row: Row, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Token ids of a row's prompt, by the chat template where there is one. Raises DataError."""
    if tokenizer.chat_template is None:
        if row.prompt is None:
            raise DataError(
                f"{where} has `messages`, and the tokenizer has no chat template: give `prompt`"
            )
        # With the special tokens that plain text gets, such as a BOS.
        ids = list(tokenizer(row.prompt).input_ids)
    else:
        try:
            text = tokenizer.apply_chat_template(
                row.conversation,  # type: ignore[arg-type]  # content may be a list of parts too
                add_generation_prompt=True,
                tokenize=False,
            )
        except (jinja2.TemplateError, TypeError) as error:
            raise DataError(f"{where}: the chat template refuses it: {error}") from error
        ids = _encode_text(str(text), tokenizer)
    if not ids:
        raise DataError(f"{where}: the prompt has no token")
    return ids


def _encode_text(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False).input_ids)
