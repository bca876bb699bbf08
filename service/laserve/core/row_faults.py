"""The faults of many rows, told all at once: who mends a file needs the list of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from laserve.errors import DataError

SHOWN = 10


class RowFaults:
    """What is wrong with the rows that have been looked at so far."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Keeps the DataError of one row for later."""
        try:
            yield
        except DataError as error:
            self._faults.append(str(error))

    def refuse(self) -> None:
        """Raise DataError where a row was faulty: a line for each of the first ten, and how many
        there are."""
        if len(self._faults) == 1:
            raise DataError(self._faults[0])
        if self._faults:
            more = len(self._faults) - SHOWN
            shown = [*self._faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
            raise DataError("\n  ".join([f"{len(self._faults)} rows cannot be used:", *shown]))
