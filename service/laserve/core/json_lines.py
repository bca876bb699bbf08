"""Reading JSON Lines (jsonlines.org): UTF-8, a byte order mark or none, one value a line."""

from collections.abc import Iterator
from pathlib import Path

from laserve.errors import DataError


def json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The number of each line that is not blank, from 1, and its text.

    Raises DataError where the file cannot be read.
    """
    try:
        # JSON strings may hold the other line ends of Unicode, and text mode's.
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from error
