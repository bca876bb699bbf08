"""What one process, or each by its share, does for all processes of a run.

A collective of the trainer's gives up after `ddp_timeout` (30 minutes). What comes before training
may take longer, and where it fails in one process the others must not wait for it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from accelerate import PartialState
from torch import distributed

from laserve.errors import LaServeError

T = TypeVar("T")

_LIMIT = timedelta(days=7)


def in_every(make: Callable[[], T]) -> list[T]:
    """What each process makes, in all processes, by their number; it must be picklable.

    Every process must call it. Raises in all of them the first LaServeError of one of them.
    """
    state = PartialState()
    if state.num_processes == 1:
        return [make()]
    # Before the work: making it has the trainer's limit, waiting in it its own.
    group = distributed.new_group(backend="gloo", timeout=_LIMIT)
    made: T | LaServeError
    try:
        made = make()
    except LaServeError as error:
        made = error
    every: list[Any] = [None] * state.num_processes
    distributed.all_gather_object(every, made, group=group)
    distributed.destroy_process_group(group)
    for one in every:
        if isinstance(one, LaServeError):
            raise one
    return every


def on_main(make: Callable[[], T]) -> T:
    """What the main process makes, in all processes; as `in_every`."""
    is_main = PartialState().is_main_process
    made: T = in_every(lambda: make() if is_main else None)[0]  # type: ignore[assignment]
    return made
