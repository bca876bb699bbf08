"""How far two implementations are apart in what golden probes compare.

    python -m tests.bench.probe_tolerances demo/laserve-countdown --dtype float32 bfloat16 float16

Each distribution of the manifest's golden probes, by Hugging Face in the checkpoint's own type and
in the engine's, against vLLM's: alone, and in batches that other requests fill.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vllm import AsyncEngineArgs, SamplingParams
from vllm.inputs.engine import tokens_input
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.core.manifest import read_manifest
from laserve.core.probes import GoldenProbe
from laserve.hot_load.layout import Layout
from laserve.hot_load.probe_rows import compare_rows, read_rows
from laserve.launch.serve import parse_serve_flags, switch_scoring_on
from laserve.reference.load import load_model
from laserve.reference.probe import measure_again
from laserve.worker.row_sketch import RowSketch

OTHERS = 40
"""Requests that fill the batches."""
FLAGS = ("--max-model-len", "512", "--enforce-eager", "--kv-cache-memory-bytes", str(1 << 26))


async def measure(folder: Path, dtype: str) -> None:
    """Start an engine and print the largest differences."""
    manifest = read_manifest(folder)
    assert manifest is not None
    references = {
        "its own type": measure_again(load_model(str(folder), "auto"), manifest),
        "the engine's type": measure_again(load_model(str(folder), dtype), manifest),
    }
    args = parse_serve_flags([str(folder), "--dtype", dtype, *FLAGS])
    switch_scoring_on(args)
    client = AsyncLLM.from_engine_args(AsyncEngineArgs.from_cli_args(args))
    try:
        _, weights = await Layout.learn(client, folder)
        print(f"{folder.name} {dtype}: {weights.model_dump(exclude_none=True)}", flush=True)
        for name, probes in references.items():
            alone: dict[tuple[int, int], RowSketch] = {}
            for index, probe in enumerate(probes):
                for number, row in enumerate(probe.rows):
                    one = probe.model_copy(update={"rows": (row,)})
                    alone[index, number] = (await read_rows(client, [one], None))[0, 0]
            await client.reset_prefix_cache()
            others = [asyncio.create_task(_other(client, number)) for number in range(OTHERS)]
            await asyncio.sleep(0.5)
            batched = await read_rows(client, probes, None)
            for task in others:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*others)
            print(f"  probes in {name}: alone {_told(probes, alone)}")
            print(f"  probes in {name}: in a full batch {_told(probes, batched)}", flush=True)
    finally:
        client.shutdown(timeout=0)


async def _other(client: AsyncLLM, number: int) -> None:
    chosen = random.Random(number)
    prompt = [chosen.randrange(5, 20) for _ in range(chosen.randrange(5, 60))]
    params = SamplingParams(max_tokens=400, ignore_eos=True)
    async for _ in client.generate(tokens_input(prompt), params, f"other-{number}-{id(params)}"):
        pass


def _told(probes: Sequence[GoldenProbe], rows: dict[tuple[int, int], RowSketch]) -> str:
    found = [
        compare_rows(row, rows[index, number])
        for index, probe in enumerate(probes)
        for number, row in enumerate(probe.rows)
    ]
    margins = [difference.margin for difference in found if difference.other_argmax]
    return (
        f"top tokens {max(d.top for d in found):.2g}, sketch {max(d.sketch for d in found):.2g}, "
        f"another first token in {len(margins)} of {len(found)} rows"
        + (f", of a margin up to {max(margins):.2g}" if margins else "")
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--dtype", nargs="+", default=["float32", "bfloat16", "float16"])
    arguments = parser.parse_args()
    for folder in arguments.folders:
        for dtype in arguments.dtype:
            asyncio.run(measure(folder, dtype))
