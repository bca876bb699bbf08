"""Files of one checkpoint that are another one's, too."""

import os
import shutil
from pathlib import Path


def link_or_copy(source: Path, target: Path) -> None:
    """A second name of a file, or a copy where the disk is another one."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
