"""What a checkpoint is asked in an evaluation, and what is made of its answers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from laserve.answers.boxed import last_boxed
from laserve.core.types import Status
from laserve.progress import progress_bar
from laserve_training.evaluation.samples import Sample, SampledProblem, SampleTable
from laserve_training.evaluation.store import DrawnProblem
from laserve_training.problem import Problem, Verifier


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


def judge_drawn(
    requests: Sequence[SampleRequest], drawn: Mapping[str, DrawnProblem], verifier: Verifier
) -> list[SampledProblem]:
    """The samples of each request with their verdicts. Raises DataError, as verifiers do."""
    with progress_bar() as progress:
        return [
            judge(request, drawn[request.key], verifier)
            for request in progress.track(requests, description="judging")
        ]


def answers_are_boxed(problems: Sequence[SampledProblem]) -> bool:
    r"""Whether any solution has a \boxed{...}, which then is what the answers are to be found
    in."""
    return any(last_boxed(sample.text) for problem in problems for sample in problem.samples)


def tabulate(problems: Sequence[SampledProblem], *, boxed_only: bool = False) -> SampleTable:
    r"""The samples as arrays. ``boxed_only``: a solution without a \boxed{...} votes for nothing,
    where else it votes for its text."""
    rows = [problem.samples for problem in problems]
    return SampleTable(
        correct_PN=np.array([[sample.is_correct for sample in row] for row in rows]),
        scores_PN=np.array(
            [[np.nan if s.reward.score is None else s.reward.score for s in row] for row in rows]
        ),
        lengths_PN=np.array(
            [[float(len(sample.completion_token_ids)) for sample in row] for row in rows]
        ),
        answers_PN=np.array([[_vote(sample, boxed_only) for sample in row] for row in rows]),
    )


def _vote(sample: Sample, boxed_only: bool) -> str:
    r"""The answer that a solution votes for: its last \boxed{...}, else its whole text; nothing
    where it was cut short."""
    if sample.reward.status != Status.SCORED:
        return ""
    boxed = last_boxed(sample.text)
    if boxed is None:
        boxed = "" if boxed_only else sample.text
    return boxed.strip()
