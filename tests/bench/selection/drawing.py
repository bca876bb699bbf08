"""Draws the samples through the service's own engine, once."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from transformers import AutoConfig

from laserve.core.manifest import read_manifest
from laserve.core.types import Status
from laserve.offline import Completed, OfflineEngine
from laserve.reference.encode import encode_prompt
from laserve.worker.codec import ScoreCodec
from laserve_training.problem import Problem, Split
from laserve_training.tasks.countdown import CountdownTask
from tests.bench.errors import BenchError
from tests.bench.selection.deepconf import TOP_K, token_confidence
from tests.bench.selection.recording import Drawing, RecordedProblem, RecordedSample

ENGINE_FLAGS = (
    *("--dtype", "float32"),
    *("--max-model-len", "64"),
    *("--kv-cache-memory-bytes", str(2**28)),
    "--enforce-eager",
)
SAMPLES = 32
MAX_TOKENS = 24
TEMPERATURE = 1.0
SEED = 0
"""The problems are those of the demo's report, which has the same seed."""

_WEIGHTS = "model.safetensors"
_CONCURRENCY = 8
"""Problems asked at a time: 256 samples."""


def plan_drawing(checkpoint: Path, problems: int) -> Drawing:
    """What to draw from a Countdown checkpoint. Raises BenchError where it has no calibration."""
    manifest = read_manifest(checkpoint)
    if manifest is None or manifest.calibration is None or manifest.files is None:
        raise BenchError(f"{checkpoint} has no manifest with a calibration and file hashes")
    vocab_size = AutoConfig.from_pretrained(checkpoint).vocab_size
    return Drawing(
        checkpoint=manifest.checkpoint,
        weights=manifest.files[_WEIGHTS],
        message_tokens=ScoreCodec(vocab_size, manifest.z_c).digits,
        task=CountdownTask().name,
        problems=problems,
        samples=SAMPLES,
        max_tokens=MAX_TOKENS,
        temperature=TEMPERATURE,
        seed=SEED,
    )


async def draw(
    engine: OfflineEngine, drawing: Drawing, on_progress: Callable[[], None]
) -> list[RecordedProblem]:
    """The samples of held-out problems; `on_progress` is called after each problem."""
    task = CountdownTask()
    problems = task.problems(Split.TEST, drawing.problems, drawing.seed)
    gate = asyncio.Semaphore(_CONCURRENCY)

    async def solve(index: int, problem: Problem) -> RecordedProblem:
        prompt = encode_prompt(
            problem.where, problem.messages, engine.tokenizer, engine.chat_template_kwargs
        )
        # Far apart: the engine gives the samples of one request consecutive seeds.
        seed = (drawing.seed * len(problems) + index) * drawing.samples
        async with gate:
            completed = await engine.complete(
                prompt,
                n=drawing.samples,
                max_tokens=drawing.max_tokens,
                temperature=drawing.temperature,
                seed=seed,
                logprobs=TOP_K,
            )
        on_progress()
        samples = tuple(
            _recorded(one, one.reward.status is Status.SCORED and task.verifier(problem, one.text))
            for one in completed
        )
        return RecordedProblem(problem.where, tuple(prompt), seed, samples)

    return list(await asyncio.gather(*(solve(i, problem) for i, problem in enumerate(problems))))


def _recorded(completed: Completed, is_correct: bool) -> RecordedSample:
    places = completed.logprobs or ()
    own = [place[token] for token, place in zip(completed.token_ids, places, strict=True)]
    return RecordedSample(
        token_ids=completed.token_ids,
        text=completed.text,
        reward=completed.reward,
        is_correct=is_correct,
        finish_reason=completed.finish_reason,
        mean_logprob=sum(own) / len(own),
        confidences=tuple(round(token_confidence(place.values()), 6) for place in places),
    )
