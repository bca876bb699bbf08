"""Holds the replay against the engine: the same selections, drawn by the service anew."""

from collections.abc import Sequence
from dataclasses import dataclass

from laserve.offline import OfflineEngine
from laserve.selecting.plan import SelectionPlan, read_plainly
from tests.bench.selection.figures import Played
from tests.bench.selection.recording import Drawing, RecordedProblem
from tests.bench.selection.replay import new_ballot


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the engine's selections compare with the replayed ones of the same samples."""

    name: str
    n_parallel: int
    problems: int
    same_answer: int
    same_verdict: int
    """Problems whose answer is right, or wrong, in both."""
    samples: int
    """Those with a token, of all problems, in the engine."""
    replayed_samples: int
    tokens: int
    replayed_tokens: int


async def compare(
    engine: OfflineEngine,
    drawing: Drawing,
    problems: Sequence[RecordedProblem],
    played: Played,
) -> Agreement:
    """Select among the samples of each problem's first block, one request at a time."""
    ends = [row[0] for row in played.ends[: len(problems)]]
    contestant = played.contestant
    selections = []
    for problem in problems:
        plan = SelectionPlan(
            contestant.options, new_ballot(contestant, problem.seed), contestant.rules, read_plainly
        )
        selections.append(
            await engine.select(
                problem.prompt_token_ids,
                plan,
                max_tokens=drawing.max_tokens,
                temperature=drawing.temperature,
                seed=problem.seed,
            )
        )
    answers = [selection.outcome.answer for selection in selections]
    verdicts = [
        {sample.text: sample.is_correct for sample in problem.samples}.get(
            selection.winner.message.text
        )
        for problem, selection in zip(problems, selections, strict=True)
    ]
    return Agreement(
        name=contestant.name,
        n_parallel=contestant.options.parallel,
        problems=len(problems),
        same_answer=sum(answer == end.answer for answer, end in zip(answers, ends, strict=True)),
        same_verdict=sum(
            verdict == end.is_correct for verdict, end in zip(verdicts, ends, strict=True)
        ),
        samples=sum(
            sample.completion_tokens > 0 for selection in selections for sample in selection.samples
        ),
        replayed_samples=sum(end.samples for end in ends),
        tokens=sum(selection.outcome.completion_tokens for selection in selections),
        replayed_tokens=sum(end.tokens for end in ends),
    )
