"""What a command shows of how far it is."""

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress


def progress_bar() -> Progress:
    """On standard error, gone at its end."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
