"""What both clients set httpx up with, and the translation of its exceptions."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from laserve_client._errors import (
    ConnectionFailedError,
    InvalidArgumentError,
    InvalidResponseError,
    TimedOutError,
)

DEFAULT_TIMEOUT = httpx.Timeout(600.0, connect=10.0)
"""Seconds. A long answer that is not streamed sends nothing until it is finished."""

DEFAULT_MAX_RETRIES = 2

ADMIN_KEY_HEADER = "x-laserve-admin-key"


def root_of(base_url: str) -> str:
    """The address of the server without a closing `/v1`, which OpenAI's clients want there.

    Raises InvalidArgumentError.
    """
    root = base_url.rstrip("/").removesuffix("/v1")
    try:
        url = httpx.URL(root)
    except httpx.InvalidURL as error:
        raise InvalidArgumentError(f"base_url {base_url!r}: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidArgumentError(
            f"base_url {base_url!r} is no address of a server: give one such as "
            "http://127.0.0.1:8000"
        )
    return root


def headers_of(api_key: str | None) -> dict[str, str]:
    """Headers of every request. Raises InvalidArgumentError for a key that no header can hold."""
    headers = {"content-type": "application/json"}
    if api_key:
        headers["authorization"] = f"Bearer {_key('api_key', api_key)}"
    return headers


def admin_headers_of(admin_key: str | None) -> dict[str, str]:
    """Headers of requests that change what is served. Raises InvalidArgumentError likewise."""
    return {ADMIN_KEY_HEADER: _key("admin_key", admin_key)} if admin_key else {}


def _key(name: str, key: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise InvalidArgumentError(
            f"{name} holds a line break or a character that is not ASCII: no header can carry it"
        )
    return key


@contextmanager
def transport_errors(*, received: bool) -> Iterator[None]:
    """Translates every exception that httpx raises while it sends or receives.

    `received`: whether a part of the answer had come already.
    """
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise ConnectionFailedError(
            f"the request cannot be sent{_to(error)}: {_said(error)}"
        ) from error
    except httpx.TimeoutException as error:
        # Only before it was connected is it certain that the server is not working on it.
        connecting = isinstance(error, httpx.ConnectTimeout)
        raise TimedOutError(
            f"the server took too long{_to(error)}: {_said(error)}", connecting
        ) from error
    except httpx.TransportError as error:
        raise ConnectionFailedError(
            f"the connection failed{_to(error)}: {_said(error)}", repeatable=not received
        ) from error
    except httpx.RequestError as error:  # a body that cannot be decompressed
        raise InvalidResponseError(
            f"the answer cannot be read{_to(error)}: {_said(error)}"
        ) from error


def _said(error: httpx.RequestError) -> str:
    # Some say nothing.
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _to(error: httpx.RequestError) -> str:
    """The address that was asked, without what may be a secret of it."""
    try:
        url = error.request.url
    except RuntimeError:  # raised outside of a request
        return ""
    return f" ({url.scheme}://{url.netloc.decode()})"
