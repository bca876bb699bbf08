"""What is shown on a terminal while a command runs; needs rich."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress
from rich.console import Console


class Bar:
    """A bar on stderr."""

    def __init__(self, bar: progress.Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("reranking", total=total)

    def advance(self) -> None:
        """One more is done."""
        self._bar.advance(self._task)

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def bar_of(total: int) -> Iterator[Bar]:
    """A bar that is shown inside of the context."""
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        yield Bar(bar, total)


class StatusLine:
    """One line on stderr: what is going on, and for how long the command has run."""

    def __init__(self, line: progress.Progress) -> None:
        self._line = line
        self._task = line.add_task("", total=None)

    def show(self, text: str) -> None:
        """Take the place of what is shown."""
        self._line.update(self._task, description=text)


@contextmanager
def status_line() -> Iterator[StatusLine]:
    """A line that is shown inside of the context."""
    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}", markup=False),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as line:
        yield StatusLine(line)
