"""Compiles the V2 processor's kernel for an H100, without one.

    python -m tests.unit.worker.hopper FILE VOCAB_SIZE:DRAFTS ...

A processor launches it in steps of many sizes, and what was compiled is written to FILE; nothing
runs. In a process of its own, as Triton either compiles or interprets, from its import on.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
import torch
import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase
from triton.runtime.jit import JITFunction
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext

from tests.interpreted_triton.kernels import load
from tests.unit.worker.toy_model import ToyModel, ToyRequest
from tests.unit.worker.v2_runner import V2Runner, context

CUOBJDUMP = str(Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump")
ROWS = (1, 2, 3, 15, 16, 17, 64, 250)


class AbsentHopper(DriverBase):
    """Says that there is an H100."""

    @classmethod
    def is_active(cls) -> bool:
        return True

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        raise NotImplementedError

    def map_python_to_cpp_type(self, ty: str) -> str:
        raise NotImplementedError

    def get_benchmarker(self) -> Any:
        raise NotImplementedError


def steps(slots: list[int]) -> Iterator[LogitsContext]:
    """Steps of `ROWS` rows, of tensors as they are allocated, and as vLLM cuts them in pieces."""
    for rows in ROWS:
        yield context(slots[:rows], [1] * rows, [2] * rows)
        longer = context(slots[: rows + 1], [1] * (rows + 1), [2] * (rows + 1))
        cut = {field.name: getattr(longer, field.name)[1:] for field in fields(longer)}
        yield replace(longer, **cut)


def resources(cubin: bytes) -> dict[str, int]:
    """Registers, and bytes of stack and local memory, of each thread."""
    with NamedTemporaryFile() as file:
        file.write(cubin)
        file.flush()
        command = [CUOBJDUMP, "--dump-resource-usage", file.name]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", shown)}


def compiled(vocab_size: int, drafts: int) -> list[dict[str, Any]]:
    """What the steps of one engine have compiled."""
    load()
    kernels: list[Any] = []
    launch: Any = JITFunction.run

    def compile_only(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        kernel = launch(self, *args, grid=grid, warmup=True, **kwargs)
        if kernel not in kernels:
            kernels.append(kernel)

    runner = V2Runner(
        ToyModel(vocab_size=vocab_size, z_c=vocab_size - 5),
        slots=max(ROWS) + 1,
        num_speculative_tokens=drafts,
    )
    slots = [runner.add(ToyRequest([1, 2])) for _ in range(runner.slots)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JITFunction, "run", compile_only)
        for step in steps(slots):
            runner.processor.apply_staged_writes()
            runner.processor.apply(torch.empty(len(step.pos), vocab_size), step)
    return [
        {"ptx": one.asm["ptx"], "warps": one.metadata.num_warps, **resources(one.asm["cubin"])}
        for one in kernels
    ]


def main(file: str, *engines: str) -> None:
    """Write one list for each of ``engines``."""
    triton.runtime.driver.set_active(AbsentHopper())
    knobs.compilation.always_compile = True  # nothing out of a cache on disk
    found = [compiled(*map(int, engine.split(":"))) for engine in engines]
    Path(file).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
