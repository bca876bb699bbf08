"""Whether every number in a checkpoint's weights is one: no NaN, no infinity.

The golden probes meet few rows of the embeddings, so what is not finite there would be served.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from laserve.checkpoint.safetensors_header import read_layout
from laserve.errors import CheckpointRejected

CHUNK_BYTES = 64 * 2**20

_EXPONENTS: dict[str, tuple[str, int]] = {
    "F64": ("<u8", 0x7FF0_0000_0000_0000),
    "F32": ("<u4", 0x7F80_0000),
    "C64": ("<u4", 0x7F80_0000),
    "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80),
    "F8_E5M2": ("<u1", 0x7C),
    # No infinity: all other bits too.
    "F8_E4M3": ("<u1", 0x7F),
    "F8_E8M0": ("<u1", 0xFF),
}
"""Type of the format -> its bits as integers, and those that are all set in what is no finite
number. The other types have only finite ones."""


def check_finite(folder: Path, name: str, go_on: Callable[[], None]) -> None:
    """Raise CheckpointRejected, naming tensor and file, where a safetensors file holds NaN or
    infinity.

    Reads it once, some megabytes at a time; `go_on` is called before each, and may raise.
    """
    start, layout = read_layout(folder, name)
    try:
        with (folder / name).open("rb") as file:
            for tensor_name, tensor, begin, end in layout:
                if tensor.dtype not in _EXPONENTS:
                    continue
                file.seek(start + begin)
                for offset in range(begin, end, CHUNK_BYTES):
                    go_on()
                    chunk = file.read(min(CHUNK_BYTES, end - offset))
                    if not _is_finite(chunk, *_EXPONENTS[tensor.dtype]):
                        raise CheckpointRejected(
                            f"{name!r}: tensor {tensor_name!r} holds NaN or infinity: the weights "
                            "were spoilt in training, or as they were written"
                        )
    except OSError as error:
        raise CheckpointRejected(f"{name!r} cannot be read: {error.strerror}") from error


def _is_finite(chunk: bytes, integers: str, exponent: int) -> bool:
    bits = np.frombuffer(chunk, dtype=integers)
    mask = bits.dtype.type(exponent)
    return not bool(((bits & mask) == mask).any())
