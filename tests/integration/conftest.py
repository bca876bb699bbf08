"""Real vLLM engines on the tiny model, one of each kind for all tests of this folder."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.v1.engine.async_llm import AsyncLLM

from laserve.core.score import ScoreParameters
from laserve.launch.serve import CPU_WORKER, SCHEDULER
from laserve.offline import OfflineEngine
from laserve.scoring.scored_engine import ScoredEngine
from laserve.worker.config import PROCESSOR_V1, WorkerConfig
from tests.fork_server import ONE_THREAD, forking
from tests.integration.generating import HuggingFaceReference
from tests.tiny_model import TinyModel, build_tiny_model

MAX_MODEL_LEN = 512
BASE: dict[str, Any] = {
    "dtype": "float32",
    "enforce_eager": True,
    "max_model_len": MAX_MODEL_LEN,
    "kv_cache_memory_bytes": 1 << 26,
    "disable_log_stats": False,
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
}


@pytest.fixture(scope="package", autouse=True)
def forked_engines() -> Iterator[None]:
    """Engines find vLLM imported."""
    with forking(), pytest.MonkeyPatch.context() as patch:
        for name, value in ONE_THREAD.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """The tiny checkpoint in float32."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def reference(tiny: TinyModel) -> HuggingFaceReference:
    """What every score is compared with."""
    return HuggingFaceReference(tiny)


@asynccontextmanager
async def plain_engine(path: Path, **options: Any) -> AsyncIterator[AsyncLLM]:
    """vLLM as it comes."""
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"
    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(model=str(path), **{**BASE, **options}))
    try:
        yield engine
    finally:
        engine.shutdown(timeout=0)  # by default it gives requests five seconds; none is under way


@asynccontextmanager
async def scored_engine(
    model: TinyModel, *, in_flight: bool = True, **options: Any
) -> AsyncIterator[ScoredEngine]:
    """The same with scoring, set up as `laserve serve` does."""
    parameters = parameters_of(model)
    if in_flight:
        options["logits_processors"] = [PROCESSOR_V1]
    worker_config = WorkerConfig(model.z_c, model.eos_token_ids)
    async with plain_engine(
        model.path,
        worker_cls=CPU_WORKER,
        scheduler_cls=SCHEDULER,
        additional_config=worker_config.to_additional_config(),
        **options,
    ) as engine:
        yield ScoredEngine(engine, parameters, lambda reward, tokens: None)


def parameters_of(model: TinyModel) -> ScoreParameters:
    """Scoring parameters with which the tiny model's scores are around 0."""
    return ScoreParameters(
        z_c=model.z_c,
        eos_token_ids=model.eos_token_ids,
        c_ref=-18.0,
        beta_v=0.1,
        threshold=0.5,
        checkpoint="tiny",
    )


@pytest.fixture(scope="package")
async def plain(tiny: TinyModel) -> AsyncIterator[AsyncLLM]:
    """Plain vLLM. Prompts are prefilled whole: its CPU worker dies of seeded chunks."""
    async with plain_engine(tiny.path, max_num_batched_tokens=4096) as engine:
        yield engine


@pytest.fixture(scope="package")
async def scored(tiny: TinyModel) -> AsyncIterator[ScoredEngine]:
    """LaServe with chunked prefill and so few KV blocks that load preempts requests."""
    async with scored_engine(
        tiny, max_num_batched_tokens=64, num_gpu_blocks_override=48, block_size=32
    ) as engine:
        yield engine


@pytest.fixture(scope="package")
def offline(scored: ScoredEngine, tiny: TinyModel) -> OfflineEngine:
    """The same engine, asked without HTTP."""
    return OfflineEngine(scored, parameters_of(tiny))
