"""How a long command tells how far it is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What a command tells."""

    def advance(self) -> None:
        """One more is done."""

    def note(self, text: str) -> None:
        """A line that stays, on stderr."""


class _Quiet:
    def advance(self) -> None:
        pass

    def note(self, text: str) -> None:
        print(text, file=sys.stderr)


@contextmanager
def progress_of(total: int) -> Iterator[Progress]:
    """A bar where stderr is a terminal and rich is installed; else only the notes."""
    if not sys.stderr.isatty():
        yield _Quiet()
        return
    try:
        import laserve_client._bar as bar
    except ImportError:  # rich is an extra
        yield _Quiet()
        return
    with bar.bar_of(total) as progress:
        yield progress
