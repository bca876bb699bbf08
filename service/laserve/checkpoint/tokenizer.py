"""Whether two checkpoints turn text into the same tokens, and tokens into the same text."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError

from laserve.core.checkpoint_files import hash_chat_template, hash_files
from laserve.errors import CheckpointRejected

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER_FILES = frozenset(
    {
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
        *("added_tokens.json", "vocab.json", "merges.txt", "chat_template.json"),
    }
)
"""JSON files and text that a tokenizer is made of; what they amount to is compared."""

_NOT_COMPARED = {"version", "truncation", "padding"}
"""Parts of tokenizer.json that do not change the tokens of a text."""
_TABLE_FILES = {".model", ".tiktoken", ".txt"}
"""Vocabularies of tokenizers that have no tokenizer.json."""
_SHOWN = 3

ANY_FAULT = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError),
    *(ImportError, StrictDataclassError),
)
"""What transformers raises for files with something else in them than it expects."""


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """A tokenizer as the engine loads it."""

    tokenizer: "PreTrainedTokenizerBase"
    parts: dict[str, str]
    """Fingerprint of each part, by its name."""

    @property
    def chat_template_sha256(self) -> str | None:
        """Hash of its chat template; of the default one where there are several."""
        template = self.tokenizer.chat_template
        if isinstance(template, dict):
            template = template.get("default")
        return hash_chat_template(template)


def load_tokenizer(folder: Path) -> LoadedTokenizer:
    """Load the tokenizer of a checkpoint folder with transformers. Raises CheckpointRejected."""
    # Imported late: it takes seconds, and the command line stays quick without.
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except ANY_FAULT as error:
        raise _unusable(error) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        # The tokenizers library raises nothing narrower for a file that it cannot use.
        raise _unusable(error) from error
    backend = getattr(tokenizer, "backend_tokenizer", None)
    parts = _tables(folder, tokenizer) if backend is None else _sections(backend.to_str())
    roles = {
        role: token for role, token in tokenizer.special_tokens_map.items() if role != "pad_token"
    }
    return LoadedTokenizer(tokenizer, parts | {"special tokens": _fingerprint(roles)})


def check_tokenizer(found: LoadedTokenizer, served: LoadedTokenizer) -> None:
    """Raise CheckpointRejected unless both are the same, chat template included."""
    vocabulary, served_vocabulary = found.tokenizer.get_vocab(), served.tokenizer.get_vocab()
    if vocabulary != served_vocabulary:
        shown = sorted(vocabulary.items() ^ served_vocabulary.items(), key=lambda item: item[1])
        raise CheckpointRejected(
            "the tokenizer is another one: not both have the tokens "
            + ", ".join(f"{text!r} ({token_id})" for text, token_id in shown[:_SHOWN])
        )
    names = found.parts.keys() | served.parts.keys()
    others = sorted(name for name in names if found.parts.get(name) != served.parts.get(name))
    if others:
        raise CheckpointRejected(
            f"the tokenizer is another one: it differs from the served one in {', '.join(others)}"
        )
    if found.tokenizer.chat_template != served.tokenizer.chat_template:
        raise CheckpointRejected(
            "the chat template is another one than the served one: the server formats every "
            "conversation with the one that it was started with"
        )


def _unusable(error: Exception) -> CheckpointRejected:
    return CheckpointRejected(f"the tokenizer cannot be loaded: {type(error).__name__}: {error}")


def _sections(tokenizer_json: str) -> dict[str, str]:
    """Fingerprints of a fast tokenizer's parts: model, normalizer, pre_tokenizer, ..."""
    sections: dict[str, Any] = json.loads(tokenizer_json)
    return {
        name: _fingerprint(section)
        for name, section in sections.items()
        if name not in _NOT_COMPARED
    }


def _tables(folder: Path, tokenizer: "PreTrainedTokenizerBase") -> dict[str, str]:
    """Fingerprints of a slow tokenizer: its class, and the files that it reads."""
    hashes = {
        name: sha256
        for name, sha256 in hash_files(folder).items()
        if Path(name).suffix in _TABLE_FILES
    }
    return hashes | {"class": type(tokenizer).__name__}


def _fingerprint(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
