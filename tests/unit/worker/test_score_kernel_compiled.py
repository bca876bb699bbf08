"""The kernel of the V2 processor as Triton compiles it for an H100, where there is none."""

import json
from typing import Any

import pytest

from tests import fork_server

ENGINES = ("151936:0", "50257:3")
"""Vocabulary and drafts: rows that begin at addresses that 16 divides, and rows that do not."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Of each engine, what steps of many sizes had compiled."""
    folder = tmp_path_factory.mktemp("compiled")
    found, log = folder / "found.json", folder / "log"
    process = fork_server.start(
        "tests.unit.worker.hopper",
        *(str(found), *ENGINES),
        output=log,
        environment={"TRITON_CACHE_DIR": str(folder)},
    )
    assert process.wait() == 0, log.read_text()
    return dict(zip(ENGINES, json.loads(found.read_text()), strict=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_compiles_once_whatever_its_steps(
    engine: str, compiled: dict[str, list[dict[str, Any]]]
) -> None:
    """A compilation while requests wait would take seconds."""
    assert len(compiled[engine]) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_its_variables_stay_in_registers(
    engine: str, compiled: dict[str, list[dict[str, Any]]]
) -> None:
    (kernel,) = compiled[engine]
    assert kernel["LOCAL"] == kernel["STACK"] == 0
    assert kernel["REG"] * kernel["warps"] * 32 <= 65_536  # those of one multiprocessor


def test_a_row_is_read_and_written_16_bytes_at_a_time(
    compiled: dict[str, list[dict[str, Any]]],
) -> None:
    (kernel,) = compiled["151936:0"]
    assert "ld.global.v4.b32" in kernel["ptx"]
    assert "st.global.v4.b32" in kernel["ptx"]


def test_the_level_is_found_in_float64(compiled: dict[str, list[dict[str, Any]]]) -> None:
    """A division that is rounded as PyTorch's, or digits would differ from the codec's."""
    for (kernel,) in compiled.values():
        assert "div.rn.f64" in kernel["ptx"]
