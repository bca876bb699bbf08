"""Samples on disk: what was drawn is not drawn again, wherever the evaluation was ended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from laserve.core.types import Method, SelfReward, Status
from laserve.errors import DataError
from laserve_training.evaluation.drawing import draw_samples
from laserve_training.evaluation.samples import SampledProblem
from laserve_training.evaluation.sampling import SampleRequest, judge
from laserve_training.evaluation.store import SampleStore
from laserve_training.problem import Problem

SCORED = SelfReward(
    score=0.1 + 0.2, logprob=-9.5, status=Status.SCORED, method=Method.IN_FLIGHT, checkpoint="c"
)
CUT = SelfReward(score=None, logprob=None, status=Status.TRUNCATED, method=None, checkpoint="c")


def request(number: int) -> SampleRequest:
    problem = Problem(f"line {number}", ({"role": "user", "content": "?"},), answer=str(number))
    return SampleRequest(problem, (1, number), 2, 16, 1.0, seed=2 * number, subject="weights")


REQUESTS = [request(number) for number in range(5)]
KEYS = [request.key for request in REQUESTS]


@dataclass
class Engine:
    """Answers with the number that it was asked; breaks down when it has done so often enough."""

    breaks_after: int = 100
    asked: list[int] = field(default_factory=list)

    async def complete(self, prompt: Sequence[int], **_: Any) -> Any:
        if len(self.asked) == self.breaks_after:
            raise KeyboardInterrupt
        self.asked.append(prompt[1])
        return tuple(
            SimpleNamespace(token_ids=(prompt[1], 0), text=f"{prompt[1]}\u2028\n", reward=reward)
            for reward in (SCORED, CUT)
        )


def draw(engine: Engine, store: SampleStore, requests: Sequence[SampleRequest]) -> None:
    stand_in: Any = engine
    asyncio.run(draw_samples(stand_in, requests, store, lambda: None))


def judged(store: SampleStore) -> list[SampledProblem]:
    drawn = store.read(KEYS)
    return [
        judge(one, drawn[one.key], lambda problem, text: text.strip() == problem.answer)
        for one in REQUESTS
    ]


def test_what_was_drawn_before_a_break_down_is_not_drawn_again(tmp_path: Path) -> None:
    whole, broken = SampleStore(tmp_path / "whole"), SampleStore(tmp_path / "new" / "broken")
    draw(Engine(), whole, REQUESTS)
    with pytest.raises(KeyboardInterrupt):
        draw(Engine(breaks_after=3), broken, REQUESTS)
    # As if the power had gone while a fourth was being written.
    with (tmp_path / "new" / "broken").open("ab") as file:
        file.write(b'{"key": "')
    missing = [one for one in REQUESTS if one.key not in broken.read(KEYS)]
    engine = Engine()
    draw(engine, broken, missing)
    assert engine.asked == [3, 4]
    assert judged(broken) == judged(whole)
    first, cut = judged(broken)[2].samples
    assert (first.is_correct, first.reward, first.completion_token_ids) == (True, SCORED, (2, 0))
    assert (cut.is_correct, cut.reward) == (False, CUT)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "other weights"},
        {"prompt_token_ids": (1, 2, 3)},
        {"samples": 3},
        {"max_tokens": 17},
        {"temperature": 0.5},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_would_give_other_samples_is_another_request(change: dict[str, Any]) -> None:
    assert replace(REQUESTS[0], **change).key != REQUESTS[0].key


def test_samples_of_another_evaluation_stay_and_are_not_taken(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "samples.jsonl")
    draw(Engine(), store, REQUESTS[:2])
    other = replace(REQUESTS[0], seed=1)
    assert store.read([other.key]) == {}
    draw(Engine(), store, [other])
    assert len(store.read([other.key, *KEYS])) == 3


def test_a_line_of_something_else_is_refused_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"prompt": "x"}\n')
    with pytest.raises(DataError, match=r"samples.jsonl holds a line that is no sample.*Remove"):
        SampleStore(path).read(KEYS)
