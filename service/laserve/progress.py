"""What a command shows of how far it is, on standard error."""

from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID

TOLD = 10
"""Lines of a whole task, where they cannot be taken back."""


def progress_bar() -> Progress:
    """On a terminal a bar that is gone at its end; in a log a line for each tenth."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return _Lines(console)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True)


class _Lines(Progress):
    def __init__(self, console: Console) -> None:
        super().__init__(console=console, disable=True)
        self._told: dict[TaskID, int] = {}

    def update(self, task_id: TaskID, **fields: Any) -> None:
        super().update(task_id, **fields)
        self._tell(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        task = next(task for task in self.tasks if task.id == task_id)
        if not task.total:
            return
        share = int(TOLD * task.completed / task.total)
        if share > self._told.get(task_id, 0):
            self._told[task_id] = share
            self.console.print(
                f"{task.description}: {task.completed:.0f} of {task.total:.0f}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
