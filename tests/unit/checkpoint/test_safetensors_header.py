"""Headers are read as the safetensors library reads them, and never more leniently."""

import contextlib
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from laserve.checkpoint.safetensors_header import Tensor, read_header
from laserve.errors import CheckpointRejected

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool)
TENSORS = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
    st.builds(
        lambda shape, dtype: torch.zeros(shape, dtype=dtype),
        st.lists(st.integers(0, 4), max_size=3),
        st.sampled_from(DTYPES),
    ),
    max_size=5,
)


def reference(path: Path) -> dict[str, Tensor]:
    """What the library says."""
    with safe_open(path, framework="pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            name: Tensor(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headers")


@given(tensors=TENSORS)
def test_a_saved_file_is_read_as_the_library_reads_it(
    folder: Path, tensors: dict[str, torch.Tensor]
) -> None:
    save_file(tensors, folder / "saved.safetensors", {"format": "pt"})
    found = read_header(folder, "saved.safetensors")
    assert found == reference(folder / "saved.safetensors")
    assert found.keys() == tensors.keys()


NUMBERS = st.integers(-2, 24) | st.sampled_from([2**31, 2**63, 2**64, 10**30])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8", "BF16", "F4", "X", 3]),
        "shape": st.lists(NUMBERS, max_size=3),
        "data_offsets": st.lists(NUMBERS, min_size=1, max_size=3),
    }
)
HEADERS = st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), ENTRIES | JSON) | JSON


@given(header=HEADERS, data=st.binary(max_size=24), stated=st.none() | st.integers(0, 2**64 - 1))
def test_a_made_up_file_is_rejected_where_the_library_refuses_it(
    folder: Path, header: object, data: bytes, stated: int | None
) -> None:
    text = json.dumps(header).encode()
    length = len(text) if stated is None else stated
    (folder / "made.safetensors").write_bytes(length.to_bytes(8, "little") + text + data)
    try:
        expected = reference(folder / "made.safetensors")
    except SafetensorError:
        with pytest.raises(CheckpointRejected, match="made.safetensors"):
            read_header(folder, "made.safetensors")
    else:
        # Nothing is lost where more is refused, such as an empty tensor of 2^63 columns.
        with contextlib.suppress(CheckpointRejected):
            assert read_header(folder, "made.safetensors") == expected


@given(content=st.binary(max_size=64))
def test_arbitrary_bytes_are_rejected_with_the_files_name(folder: Path, content: bytes) -> None:
    (folder / "bytes.safetensors").write_bytes(content)
    with pytest.raises(SafetensorError):
        reference(folder / "bytes.safetensors")
    with pytest.raises(CheckpointRejected, match="bytes.safetensors"):
        read_header(folder, "bytes.safetensors")


def test_only_the_header_is_read(folder: Path) -> None:
    """A file with a terabyte of tensors, all of it a hole."""
    path = folder / "sparse.safetensors"
    entry = {"dtype": "U8", "shape": [2**40], "data_offsets": [0, 2**40]}
    text = json.dumps({"hole": entry}).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 2**40)
    assert read_header(folder, path.name) == {"hole": Tensor("U8", (2**40,))}
