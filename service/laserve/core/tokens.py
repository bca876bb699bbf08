"""Which token of a tokenizer can be z_c: one that no answer contains.

A special token qualifies: a tokenizer gives its id for no ordinary text, only where the token
itself is spelled out. The tokenizer is passed in; this module imports no tokenizer library.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from laserve.errors import ConfigurationError

_SHOWN_CANDIDATES = 12


class Tokenizer(Protocol):
    """What is read of a Hugging Face tokenizer."""

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]:
        """Tokens added to the vocabulary, by id; each has `content` and `special`."""

    @property
    def special_tokens_map(self) -> Mapping[str, Any]:
        """The special tokens with a role (bos, eos, pad, ...), by role."""

    @property
    def chat_template(self) -> Any: ...

    def get_vocab(self) -> dict[str, int]: ...


def find_token(tokenizer: Tokenizer, token: str) -> int:
    """The id of `token`, which is an id in digits or a token's text.

    Raises ConfigurationError where it is not exactly one token.
    """
    if token.isascii() and token.isdigit():
        return int(token)
    found = tokenizer.get_vocab().get(token)
    if found is None:
        raise ConfigurationError(
            f"z_c {token!r} is not one token of this tokenizer. {_advice(tokenizer, ())}"
        )
    return found


def missing_scoring_token(tokenizer: Tokenizer) -> ConfigurationError:
    """The error where no z_c was named: it lists the tokens to choose from."""
    return ConfigurationError(f"name the score token: --z-c TOKEN. {_advice(tokenizer, ())}")


def scoring_candidates(tokenizer: Tokenizer, eos_token_ids: Collection[int]) -> dict[str, int]:
    """Special tokens without any use yet, text -> id: no EOS, no role, not in the chat template."""
    roles = {
        str(token) for token in tokenizer.special_tokens_map.values() if isinstance(token, str)
    }
    template = str(tokenizer.chat_template or "")
    return {
        token.content: token_id
        for token_id, token in sorted(tokenizer.added_tokens_decoder.items())
        if token.special
        and token_id not in eos_token_ids
        and token.content not in roles
        and token.content not in template
    }


def check_scoring_token(
    tokenizer: Tokenizer, z_c: int, eos_token_ids: Collection[int], text: str | None = None
) -> str:
    """The text of z_c. `text` is what it must be, as a manifest or a preset says.

    Raises ConfigurationError where z_c is no token, an EOS, a token that ordinary text contains,
    or has another text.
    """
    token = tokenizer.added_tokens_decoder.get(z_c)
    advice = _advice(tokenizer, eos_token_ids)
    if token is None or not token.special:
        known = {token_id: text for text, token_id in tokenizer.get_vocab().items()}
        if z_c not in known:
            raise ConfigurationError(f"z_c={z_c} is no token of this tokenizer. {advice}")
        raise ConfigurationError(
            f"z_c={z_c} ({known[z_c]!r}) is an ordinary token, which the tokenizer can produce "
            f"from text. {advice}"
        )
    if z_c in eos_token_ids:
        raise ConfigurationError(f"z_c={z_c} ({token.content!r}) is an EOS token. {advice}")
    if text is not None and token.content != text:
        raise ConfigurationError(
            f"z_c={z_c} is {token.content!r} in this tokenizer and should be {text!r}: the scoring "
            "parameters belong to another tokenizer"
        )
    return str(token.content)


def is_beyond(tokenizer: Tokenizer, token_id: int) -> bool:
    """Whether the tokenizer has no token of this id nor of a higher one: no text gives it."""
    known = {*tokenizer.get_vocab().values(), *tokenizer.added_tokens_decoder}
    return token_id > max(known)


def _advice(tokenizer: Tokenizer, eos_token_ids: Collection[int]) -> str:
    candidates = scoring_candidates(tokenizer, eos_token_ids)
    if not candidates:
        return "The tokenizer has no unused special token: add one, and resize the model for it."
    shown = [f"{text} ({token_id})" for text, token_id in candidates.items()][:_SHOWN_CANDIDATES]
    more = len(candidates) - len(shown)
    return f"Unused special tokens: {', '.join(shown)}" + (f" and {more} more" if more else "")
