"""Samples a checkpoint on problems through the service's own engine, and judges what it says."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from laserve.answers.boxed import last_boxed
from laserve.core.types import Status
from laserve.offline import OfflineEngine
from laserve_training.evaluation.samples import Sample, SampledProblem, SampleTable
from laserve_training.evaluation.store import DrawnProblem, DrawnSample, SampleStore
from laserve_training.problem import Problem, Verifier

CONCURRENCY = 64
"""Problems asked at a time."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """The solutions that one problem is to have."""

    problem: Problem
    prompt_token_ids: tuple[int, ...]
    samples: int
    max_tokens: int
    temperature: float
    seed: int
    subject: str
    """What is asked: a fingerprint of weights, score and engine."""

    @property
    def key(self) -> str:
        """The same for what gives the same samples: a hash in hex."""
        parts = (
            self.subject,
            self.prompt_token_ids,
            self.samples,
            self.max_tokens,
            self.temperature,
            self.seed,
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


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


def judge(request: SampleRequest, drawn: DrawnProblem, verifier: Verifier) -> SampledProblem:
    """The samples of a problem with the verifier's verdicts. Raises DataError, as verifiers do."""
    return SampledProblem(
        request.problem,
        tuple(
            Sample(
                prompt_token_ids=request.prompt_token_ids,
                completion_token_ids=sample.token_ids,
                text=sample.text,
                is_correct=sample.reward.status == Status.SCORED
                and verifier(request.problem, sample.text),
                reward=sample.reward,
            )
            for sample in drawn.samples
        ),
    )


def tabulate(problems: Sequence[SampledProblem]) -> SampleTable:
    """The samples as arrays."""
    rows = [problem.samples for problem in problems]
    return SampleTable(
        correct_PN=np.array([[sample.is_correct for sample in row] for row in rows]),
        scores_PN=np.array(
            [[np.nan if s.reward.score is None else s.reward.score for s in row] for row in rows]
        ),
        lengths_PN=np.array(
            [[float(len(sample.completion_token_ids)) for sample in row] for row in rows]
        ),
        answers_PN=np.array([[_vote(sample) for sample in row] for row in rows]),
    )


def _vote(sample: Sample) -> str:
    r"""The answer that a solution votes for: its last \boxed{...}, else its whole text; nothing
    where it was cut short."""
    if sample.reward.status != Status.SCORED:
        return ""
    boxed = last_boxed(sample.text)
    return (sample.text if boxed is None else boxed).strip()
