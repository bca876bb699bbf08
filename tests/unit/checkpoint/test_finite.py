"""NaN and infinity are found in every type, and nothing else is."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from laserve.checkpoint import finite
from laserve.checkpoint.finite import check_finite
from laserve.errors import CheckpointRejected

FLOATS = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
)
INTEGERS = (torch.int8, torch.uint8, torch.int16, torch.int64, torch.bool)


def go_on() -> None: ...


def save(folder: Path, tensor: torch.Tensor) -> None:
    others = {"before": torch.ones(3), "text": tensor, "under": torch.zeros(5)}
    save_file(others, folder / "model.safetensors")


def largest(dtype: torch.dtype) -> torch.Tensor:
    """The numbers of the largest size, and the smallest."""
    real = torch.float32 if dtype.is_complex else dtype
    info = torch.finfo(real)
    return torch.tensor([info.max, info.min, info.tiny, 0.0], dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_numbers_of_every_size_are_finite(dtype: torch.dtype, tmp_path: Path) -> None:
    save(tmp_path, largest(dtype))
    check_finite(tmp_path, "model.safetensors", go_on)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_are_finite(dtype: torch.dtype, tmp_path: Path) -> None:
    bits = torch.full((64,), 0xFF, dtype=torch.uint8)
    save(tmp_path, bits.bool() if dtype == torch.bool else bits.view(dtype))
    check_finite(tmp_path, "model.safetensors", go_on)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 3])
def test_what_is_no_number_is_found_wherever_it_is(
    dtype: torch.dtype, value: float, place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The largest element, so that no chunk ends within one.
    monkeypatch.setattr(finite, "CHUNK_BYTES", 8)
    tensor = largest(dtype)
    # This type has no infinity: what is too large becomes NaN.
    tensor[place] = float("nan") if dtype == torch.float8_e4m3fn else value
    save(tmp_path, tensor)
    message = "'model.safetensors': tensor 'text' holds NaN or infinity"
    with pytest.raises(CheckpointRejected, match=message):
        check_finite(tmp_path, "model.safetensors", go_on)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    def stop() -> None:
        raise CheckpointRejected("stopped")

    save(tmp_path, torch.ones(2))
    with pytest.raises(CheckpointRejected, match="stopped"):
        check_finite(tmp_path, "model.safetensors", stop)
