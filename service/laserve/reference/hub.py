"""Whether the hub of models can be asked: its own client tries for a minute before it says no."""

from functools import cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from huggingface_hub import constants

from laserve.errors import ConfigurationError

TIMEOUT_S = 10.0


@cache
def reaches_hub() -> bool:
    """Whether the hub answers, whatever it says. False where HF_HUB_OFFLINE is set."""
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=TIMEOUT_S):
            return True
    except HTTPError:
        return True
    except OSError:
        return False


def is_local_only(model: str) -> bool:
    """Whether of this folder or hub id only what is on this machine can be had."""
    return Path(model).is_dir() or not reaches_hub()


def cannot_be_loaded(model: str, error: Exception, what: str = "") -> ConfigurationError:
    """The error of a folder or hub id that cannot be loaded; `what` of it, such as "the tokenizer
    of "."""
    if is_local_only(model) and not Path(model).is_dir():
        return ConfigurationError(
            f"{what}{model} cannot be loaded: it is no folder and not in the cache, and "
            f"{constants.ENDPOINT} cannot be reached. Give the folder of a model, or see to the "
            "network"
        )
    return ConfigurationError(f"{what}{model} cannot be loaded: {error}")
