"""The file of API keys, `--api-key-file`: TOML, a table for each id.

[alice]
keys = ["sk-new", "sk-old"]     # several while one takes the place of the other
requests_per_minute = 600
tokens_per_minute = 200_000
concurrent_requests = 16

[operator]
keys = ["sk-operator"]
admin = true                    # may change what is served
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from laserve.access.keys import Key, Limits
from laserve.core.faults import faults
from laserve.errors import ConfigurationError

_Id = Annotated[str, StringConstraints(pattern=r"^[\w.@+-]{1,64}$")]
"""Stands in logs."""
_Secret = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,1024}$")]
"""What a header can carry."""


class _Entry(Limits):
    keys: list[_Secret] = Field(min_length=1)
    admin: bool = False


_FILE = TypeAdapter(dict[_Id, _Entry])


def read_key_file(path: Path) -> dict[str, Key]:
    """The keys of a file, by what is sent. Raises ConfigurationError, which names no key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    return parse_key_file(text, path)


def parse_key_file(text: str, path: Path) -> dict[str, Key]:
    """The same of its content; `path` is the file that messages name."""
    try:
        entries = _FILE.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {'; '.join(faults(error))}") from error
    if not entries:
        raise ConfigurationError(f"{path} names no key")
    found: dict[str, Key] = {}
    for identifier, entry in entries.items():
        limits = Limits.model_validate(entry.model_dump(include=set(Limits.model_fields)))
        for secret in entry.keys:
            if secret in found and found[secret].id != identifier:
                raise ConfigurationError(
                    f"{path}: {identifier} and {found[secret].id} have a key in common: give each "
                    "one of its own"
                )
            found[secret] = Key(identifier, entry.admin, limits)
    return found
