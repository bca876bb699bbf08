"""Who may use a server: API keys, each with an id, which logs name in the place of the key, and
limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Limit = Annotated[int, Field(ge=1)]


class Limits(BaseModel):
    """What a key may use; None is no limit. Each API server process counts for itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    requests_per_minute: Limit | None = None
    """POSTs, from the first one of a minute on."""
    tokens_per_minute: Limit | None = None
    """Of prompts and answers, counted when they are known: the last request may go beyond."""
    concurrent_requests: Limit | None = None
    """POSTs that are being answered."""


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key, without the key."""

    id: str
    is_admin: bool = False
    """Whether it may change what is served."""
    limits: Limits = NO_LIMITS


class Keys:
    """Keys by what is sent. Only digests are kept and compared, so that the time that a look-up
    takes tells nothing about a key."""

    def __init__(self, known: Iterable[tuple[str, Key]] = ()) -> None:
        self._by_digest = {_digest(secret): key for secret, key in known}

    def find(self, secret: str | None) -> Key | None:
        """Whose key this is."""
        return None if secret is None else self._by_digest.get(_digest(secret))

    @property
    def have_an_admin(self) -> bool:
        """Whether one of them is needed to change what is served."""
        return any(key.is_admin for key in self._by_digest.values())


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogateescape")).digest()
