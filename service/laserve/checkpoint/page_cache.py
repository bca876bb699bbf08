"""The files of a checkpoint in memory before they are waited for."""

from pathlib import Path

CHUNK_BYTES = 1 << 24


def read_ahead(folder: Path) -> None:
    """Read the weights, so that the kernel has them at hand when an engine reads them."""
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            while file.read(CHUNK_BYTES):
                pass
