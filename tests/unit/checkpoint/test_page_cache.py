"""The weights of a checkpoint are read before they are waited for."""

import os
from pathlib import Path

import psutil

from laserve.checkpoint.page_cache import CHUNK_BYTES, read_ahead


def test_the_weights_are_read_to_their_ends_and_nothing_else_is(tmp_path: Path) -> None:
    sizes = {"a.safetensors": 1, "b.safetensors": 2 * CHUNK_BYTES + 1}
    for name, size in {**sizes, "other.bin": 8 * CHUNK_BYTES}.items():
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, size)
    before = psutil.Process().io_counters().read_chars
    read_ahead(tmp_path)
    read = psutil.Process().io_counters().read_chars - before
    # What this process reads beside them is small.
    assert sum(sizes.values()) <= read < sum(sizes.values()) + CHUNK_BYTES
