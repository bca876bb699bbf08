"""Whether two `config.json` describe the same computation."""

import json
import reprlib
from enum import Enum
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from laserve.errors import CheckpointRejected

IGNORED = frozenset(
    {
        # Who wrote it.
        *("transformers_version", "_name_or_path", "_commit_hash"),
        # What transformers' own forward pass returns and how it is run.
        *("use_cache", "output_attentions", "output_hidden_states", "return_dict"),
        *("_attn_implementation", "_attn_implementation_autoset"),
        # Training only.
        *("initializer_range", "attention_dropout", "hidden_dropout", "embd_pdrop", "attn_pdrop"),
        *("resid_pdrop", "gradient_checkpointing"),
        # Compared with the tokenizer, as the ids that a completion ends with.
        *("bos_token_id", "eos_token_id", "pad_token_id"),
    }
)
"""Keys that may differ, at any depth."""
_SHOWN = 3


class _Absent(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.value


Difference = tuple[str, Any, Any]
"""Key, value found, value served."""


def check_config(found: dict[str, Any], served: dict[str, Any]) -> None:
    """Raise CheckpointRejected, naming keys and values, unless both describe one computation.

    A key that only one of them has is compared with what transformers makes of its absence: its
    versions write different keys for the same model.
    """
    found, served = _essential(found), _essential(served)
    differences = _differences(found, served)
    if differences and all(_Absent.ABSENT in values for _, *values in differences):
        try:
            differences = _differences(_completed(found), _completed(served))
        except (StrictDataclassError, ArithmeticError, AttributeError, LookupError, TypeError) as e:
            raise _rejected(differences) from e
        except (RuntimeError, ValueError) as error:
            raise _rejected(differences) from error
    if differences:
        raise _rejected(differences)


def text_config(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a configuration that describes the language model."""
    part = config.get("text_config")
    return part if isinstance(part, dict) else config


def _essential(config: dict[str, Any]) -> dict[str, Any]:
    """`config` without what may differ, under today's names."""
    return {
        "dtype" if key == "torch_dtype" else key: _essential(value)
        if isinstance(value, dict)
        else value
        for key, value in config.items()
        if key not in IGNORED
    }


def _completed(config: dict[str, Any]) -> dict[str, Any]:
    """`config` with transformers' default for each key that is absent."""
    # Imported late: it takes seconds, and most checkpoints do without.
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    completed = CONFIG_MAPPING[config["model_type"]].from_dict(config)
    return _essential(json.loads(completed.to_json_string(use_diff=False)))


def _differences(
    found: dict[str, Any], served: dict[str, Any], prefix: str = ""
) -> list[Difference]:
    differences: list[Difference] = []
    for key in sorted(found.keys() | served.keys()):
        a, b = found.get(key, _Absent.ABSENT), served.get(key, _Absent.ABSENT)
        if isinstance(a, dict) and isinstance(b, dict):
            differences += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            differences.append((prefix + key, a, b))
    return differences


def _rejected(differences: list[Difference]) -> CheckpointRejected:
    shown = [
        f"{key} is {reprlib.repr(a)} and is served as {reprlib.repr(b)}"
        for key, a, b in differences[:_SHOWN]
    ]
    more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    return CheckpointRejected(f"config.json is of another model: {'; '.join(shown)}{more}")
