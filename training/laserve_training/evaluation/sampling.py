"""Samples a checkpoint on problems through the service's own engine, and judges what it says."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from laserve.answers.boxed import last_boxed
from laserve.core.types import Status
from laserve.offline import Completed, OfflineEngine
from laserve_training.evaluation.samples import Sample, SampledProblem, SampleTable
from laserve_training.problem import Problem, Verifier

CONCURRENCY = 64
"""Problems asked at a time."""


async def sample_problems(
    engine: OfflineEngine,
    problems: Sequence[Problem],
    prompts: Mapping[str, Sequence[int]],
    verifier: Verifier,
    *,
    samples: int,
    max_tokens: int,
    temperature: float,
    seed: int,
    on_progress: Callable[[], None],
) -> list[SampledProblem]:
    """`samples` solutions of each problem; `prompts` holds their token ids by `Problem.where`.

    The same `seed` asks for the same samples. `on_progress` is called after each problem.
    """
    gate = asyncio.Semaphore(CONCURRENCY)

    async def solve(index: int, problem: Problem) -> SampledProblem:
        async with gate:
            completed = await engine.complete(
                prompts[problem.where],
                n=samples,
                max_tokens=max_tokens,
                temperature=temperature,
                # Far apart: the engine gives the n samples of one request consecutive seeds.
                seed=(seed * len(problems) + index) * samples,
            )
        judged = await asyncio.to_thread(
            _judge, problem, prompts[problem.where], completed, verifier
        )
        on_progress()
        return judged

    return list(await asyncio.gather(*(solve(i, problem) for i, problem in enumerate(problems))))


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


def _judge(
    problem: Problem, prompt: Sequence[int], completed: Sequence[Completed], verifier: Verifier
) -> SampledProblem:
    return SampledProblem(
        problem,
        tuple(
            Sample(
                prompt_token_ids=tuple(prompt),
                completion_token_ids=sample.token_ids,
                text=sample.text,
                is_correct=sample.reward.status == Status.SCORED and verifier(problem, sample.text),
                reward=sample.reward,
            )
            for sample in completed
        ),
    )


def _vote(sample: Sample) -> str:
    r"""The answer that a solution votes for: its last \boxed{...}, else its whole text; nothing
    where it was cut short."""
    if sample.reward.status != Status.SCORED:
        return ""
    boxed = last_boxed(sample.text)
    return (sample.text if boxed is None else boxed).strip()
