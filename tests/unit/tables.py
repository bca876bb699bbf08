"""Tables of answers, as text files: in Python they would be half backslashes."""

import re
from pathlib import Path


def read_table(path: Path) -> dict[str, list[list[str]]]:
    """By the heading ("# ...") that they stand under, the lines of a file, cut where three spaces
    or more are. What stands above the first heading says what it is."""
    table: dict[str, list[list[str]]] = {}
    _, *sections = re.split(r"^# ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for section in sections:
        heading, *lines = section.splitlines()
        table[heading] = [re.split(r" {3,}", line.strip()) for line in lines if line.strip()]
    return table
