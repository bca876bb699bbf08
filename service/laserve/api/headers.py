"""Response headers: client libraries drop body fields that they do not know, and keep headers."""

from urllib.parse import quote

from fastapi import Request

from laserve.core.types import SelfReward

PREFIX = "x-laserve-"
FIELDS = ("score", "confidence", "status", "method", "checkpoint")


def reward_headers(raw_request: Request, reward: SelfReward) -> dict[str, str]:
    """`x-laserve-score` and its like, one for each field of `reward` that is not null."""
    fields = {name: getattr(reward, name) for name in FIELDS}
    return _headers(
        raw_request, {name: str(value) for name, value in fields.items() if value is not None}
    )


def stream_headers(raw_request: Request, checkpoint: str) -> dict[str, str]:
    """What is known before the first token: `x-laserve-checkpoint`."""
    return _headers(raw_request, {"checkpoint": checkpoint})


def _headers(raw_request: Request, values: dict[str, str]) -> dict[str, str]:
    # A checkpoint's name may hold characters that a header cannot.
    headers = {PREFIX + name: quote(value, safe="/:@+") for name, value in values.items()}
    if "origin" in raw_request.headers:  # a browser's script sees only the headers named here
        headers["access-control-expose-headers"] = ", ".join(headers)
    return headers
