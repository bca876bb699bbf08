"""How a long command tells how far it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
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
    bar = _terminal()
    if bar is None:
        yield _Quiet()
        return
    with bar.bar_of(total) as progress:
        yield progress


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Shows each text that it is given in the place of the last one; nowhere where there is no bar
    either."""
    bar = _terminal()
    if bar is None:
        yield lambda _: None
        return
    with bar.status_line() as line:
        yield line.show


def _terminal() -> ModuleType | None:
    """What shows something on stderr, where it is a terminal and rich is installed."""
    if not sys.stderr.isatty():
        return None
    try:
        import laserve_client._bar as bar
    except ImportError:  # rich is an extra
        return None
    return bar
