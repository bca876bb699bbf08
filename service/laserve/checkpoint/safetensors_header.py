"""The header of a safetensors file: names, types and shapes of its tensors, without their data.

Format: https://github.com/huggingface/safetensors, README, "Format".
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from laserve.checkpoint.strict_json import parse_object
from laserve.errors import CheckpointRejected

MAX_HEADER_BYTES = 100_000_000
"""The limit of the safetensors library itself."""

_BITS = {
    dtype: bits
    for bits, dtypes in {
        4: "F4",
        6: "F6_E2M3 F6_E3M2",
        8: "BOOL U8 I8 F8_E4M3 F8_E5M2 F8_E8M0",
        16: "U16 I16 F16 BF16",
        32: "U32 I32 F32",
        64: "U64 I64 F64 C64",
    }.items()
    for dtype in dtypes.split()
}
"""Size of an element by the format's name of its type."""
_MAX_RANK = 16
_MAX_DIMENSION = 2**40


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a header says of one tensor."""

    dtype: str
    """The format's name: F32, BF16, ..."""
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"

    @property
    def bytes(self) -> int:
        """Size of its data."""
        return math.prod(self.shape) * _BITS[self.dtype] // 8


Placed = tuple[str, Tensor, int, int]
"""A tensor's name, itself, and where its data begins and ends behind the header, in bytes."""


def read_header(folder: Path, name: str) -> dict[str, Tensor]:
    """The tensors of a file by name. Their data must fill the rest of the file exactly.

    Raises CheckpointRejected, naming the file.
    """
    return tensors_of(read_layout(folder, name))


def read_layout(folder: Path, name: str) -> tuple[int, list[Placed]]:
    """Where the data begins in a file, in bytes, and what lies there, in its order.

    Raises CheckpointRejected as `read_header`.
    """
    try:
        with (folder / name).open("rb") as file:
            return parse_layout(file, (folder / name).stat().st_size, name)
    except OSError as error:
        raise CheckpointRejected(f"{name!r} cannot be read: {error.strerror}") from error


def tensors_of(layout: tuple[int, list[Placed]]) -> dict[str, Tensor]:
    """The tensors of a layout by name."""
    return {name: tensor for name, tensor, _, _ in layout[1]}


def parse_layout(file: BinaryIO, size: int, name: str) -> tuple[int, list[Placed]]:
    """As `read_layout`, of an open file of so many bytes; `name` is the one that messages have.
    Raises OSError, too."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8:
        raise CheckpointRejected(f"{name!r} has {size} bytes: it is no safetensors file")
    if length > min(MAX_HEADER_BYTES, size - 8):
        raise CheckpointRejected(
            f"{name!r} states a header of {length} bytes in a file of {size}: it is "
            "truncated, or no safetensors file"
        )
    header = parse_object(file.read(length), f"header of {name}")
    match header.pop("__metadata__", None):
        case None:
            pass
        case dict(metadata) if all(isinstance(value, str) for value in metadata.values()):
            pass
        case _:
            raise CheckpointRejected(f"{name!r}: __metadata__ must map names to text")
    placed = [
        (tensor_name, *_entry(f"{name!r}: tensor {tensor_name!r}", entry))
        for tensor_name, entry in header.items()
    ]
    placed.sort(key=lambda one: (one[2], one[3]))
    _check_layout(name, placed, size - 8 - length)
    return 8 + length, placed


def _entry(where: str, entry: Any) -> tuple[Tensor, int, int]:
    """One tensor, and where its data begins and ends."""
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]} if all(
            type(number) is int for number in (*shape, begin, end)
        ):
            pass
        case _:
            raise CheckpointRejected(f"{where} has no dtype, shape and data_offsets of their kind")
    if dtype not in _BITS:
        raise CheckpointRejected(f"{where} has the unknown dtype {dtype!r}")
    if len(shape) > _MAX_RANK or not all(0 <= number <= _MAX_DIMENSION for number in shape):
        raise CheckpointRejected(f"{where} has a shape that no tensor has")
    if not 0 <= begin <= end or (end - begin) * 8 != math.prod(shape) * _BITS[dtype]:
        raise CheckpointRejected(
            f"{where} has data_offsets {begin} to {end}, which is not the size of "
            f"{Tensor(dtype, tuple(shape))}"
        )
    return Tensor(dtype, tuple(shape)), begin, end


def _check_layout(name: str, placed: list[Placed], data: int) -> None:
    """Each tensor must begin where the one before ends, and the last end with the file."""
    position = 0
    for tensor_name, _, begin, end in placed:
        if begin != position:
            raise CheckpointRejected(
                f"{name!r}: tensor {tensor_name!r} begins at {begin}, the one before it ends at "
                f"{position}: they {'overlap' if begin < position else 'leave a gap'}"
            )
        position = end
    if position != data:
        raise CheckpointRejected(
            f"{name!r} holds {data} bytes of tensors, its header describes {position}: it is "
            f"{'truncated' if data < position else 'longer than its tensors'}"
        )
