"""The server that a command talks to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Server:
    """What the clients are made with."""

    base_url: str
    model: str | None
    api_key: str | None
    timeout_s: float
    """For an answer; of a load, to its end."""
    admin_key: str | None = None
