"""Draws samples of a checkpoint through the service's own engine."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from laserve.offline import OfflineEngine, open_engine
from laserve.progress import progress_bar
from laserve_training.evaluation.sampling import SampleRequest
from laserve_training.evaluation.store import DrawnProblem, DrawnSample, SampleStore

CONCURRENCY = 64
"""Problems asked at a time."""


def draw_missing(
    requests: Sequence[SampleRequest], store: SampleStore, argv: Sequence[str]
) -> dict[str, DrawnProblem]:
    """The samples of every request, by its key. An engine is started, as `laserve serve` does with
    `argv`, where the store does not hold all of them."""
    every = {request.key: request for request in requests}
    stored = store.read(every.keys())
    missing = [request for key, request in every.items() if key not in stored]
    if not missing:
        return stored
    with progress_bar() as progress:
        bar = progress.add_task("sampling", total=len(every), completed=len(stored))

        async def draw() -> None:
            async with open_engine(argv) as engine:
                await draw_samples(engine, missing, store, partial(progress.advance, bar))

        asyncio.run(draw())
    return store.read(every.keys())


async def draw_samples(
    engine: OfflineEngine,
    requests: Sequence[SampleRequest],
    store: SampleStore,
    on_progress: Callable[[], None],
) -> None:
    """Ask the engine for each request, and store what it says as it comes. `on_progress` is called
    after each problem."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def draw(request: SampleRequest) -> None:
        async with gate:
            completed = await engine.complete(
                request.prompt_token_ids,
                n=request.samples,
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                seed=request.seed,
            )
        store.add(
            DrawnProblem(
                key=request.key,
                problem=request.problem.where,
                question=request.problem.question,
                answer=request.problem.answer,
                samples=tuple(
                    DrawnSample(
                        token_ids=one.token_ids,
                        text=one.text,
                        # A confidence is of the calibration that this evaluation replaces.
                        reward=one.reward.model_copy(update={"confidence": None}),
                    )
                    for one in completed
                ),
            )
        )
        on_progress()

    await asyncio.gather(*map(draw, requests))
