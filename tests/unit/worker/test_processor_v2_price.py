"""What in-flight scoring costs on a device, counted where there is none.

Each launch of a kernel takes the engine's thread some 10 us, each synchronisation as long as the
device is behind, and what is pageable cannot be copied without one.
"""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from triton.runtime.interpreter import InterpretedFunction
from vllm import SamplingParams
from vllm.v1.worker.gpu.sample.penalties import use_penalty

from tests.unit.worker.toy_model import ToyModel, ToyRequest
from tests.unit.worker.v2_runner import V2Runner, context

LAUNCHES_PER_STEP = 1
LAUNCHES_PER_ADMISSION = 0
VIEWS = {"aten.alias", "aten.detach", "aten.select", "aten.slice", "aten.view"}


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what PyTorch would give to a device: kernels, copies, synchronisations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).rpartition(".")[0]
        if name not in VIEWS:
            self.names.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The grids of the Triton kernels that are launched, none of which runs."""
    grids: list[tuple[int, ...]] = []

    def run(self: object, *args: object, grid: tuple[int, ...], **kwargs: object) -> None:
        grids.append(grid)

    monkeypatch.setattr(InterpretedFunction, "run", run)
    return grids


@pytest.mark.parametrize("vocab_size", [32, 384, 151_936])
@pytest.mark.parametrize("rows", [1, 7, 256])
def test_a_step_is_one_launch_and_nothing_else(
    rows: int, vocab_size: int, launches: list[tuple[int, ...]]
) -> None:
    runner = V2Runner(ToyModel(vocab_size=vocab_size), slots=rows)
    slots = [runner.add(ToyRequest([1, 2], armed=row % 2 == 0)) for row in range(rows)]
    with Operations() as admission:
        runner.processor.apply_staged_writes()
    assert admission.names == []
    assert len(launches) == LAUNCHES_PER_ADMISSION
    logits = torch.zeros(1, vocab_size).expand(rows, vocab_size)
    here = context(slots, [1] * rows, [2] * rows)
    with Operations() as step:
        runner.processor.apply_staged_writes()
        assert runner.processor.apply(logits, here) is logits
    assert step.names == []
    assert launches == [(rows,)] * LAUNCHES_PER_STEP


def test_a_step_without_an_armed_request_costs_nothing_once_there_was_one(
    launches: list[tuple[int, ...]],
) -> None:
    """Before it the kernel runs, so that vLLM's warm-up, which arms none, compiles it."""
    assert use_penalty(SamplingParams.for_sampler_warmup())  # so that processors are called
    runner = V2Runner(ToyModel())
    slot = runner.add(ToyRequest([1], armed=False))
    here, logits = context([slot], [0], [1]), torch.zeros(1, 384)
    runner.processor.apply(logits, here)
    assert launches == [(1,)]
    runner.add(ToyRequest([1]))
    with Operations() as operations:
        runner.processor.apply(logits, here)
    assert operations.names == []
    assert launches == [(1,)]


def test_what_is_counted_is_counted() -> None:
    """The copies and synchronisations that the tests above exclude are seen where some are."""
    slots = torch.tensor([0, 1])
    with Operations() as operations:
        torch.tensor([0, 1])
        slots.to(torch.float64)
        slots.sum().item()
        slots[:1]
    assert "aten._to_copy" in operations.names
    assert "aten._local_scalar_dense" in operations.names
    assert "aten.slice" not in operations.names
    assert len(operations.names) >= 4
