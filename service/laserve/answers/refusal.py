"""How a request learns that its `selection.answer` cannot be used."""

from laserve.answers.surrogates import without_surrogates
from laserve.errors import RequestError

_SHOWN_CHARS = 80


def refused(reason: str) -> RequestError:
    """The error to raise. `reason` says what is wrong and how to mend it."""
    return RequestError(f"selection.answer: {without_surrogates(reason)}", "selection.answer")


def shown(text: str) -> str:
    """A piece of the request for a message: quoted, any characters, not longer than a line."""
    return repr(text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…")
