"""laserve_client and its command line, with the demo checkpoint."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from laserve_client import (
    AsyncLaServe,
    BadRequestError,
    Finished,
    LaServe,
    NotFoundError,
    Selected,
    TextDelta,
)
from laserve_client.cli import main
from tests.e2e.server import Server

QUESTION = "2,6,6>2"
WRONG, RIGHT = "6-2=4;4-6=8#8", "6-6=0;0+2=2#2"
TOLERANCE = 1e-3
"""Of a score: two ways of batching the same float32 sums, and the transport's 0.0005 nats."""


@pytest.fixture
def client(demo: Server) -> Iterator[LaServe]:
    with LaServe(demo.base_url, api_key=demo.api_key) as client:
        yield client


def test_the_answer_is_the_one_that_the_official_client_gets(demo: Server, client: LaServe) -> None:
    answer = client.generate(QUESTION, seed=7)
    official = demo.client.chat.completions.create(
        model=demo.model, messages=[{"role": "user", "content": QUESTION}], seed=7
    )
    choice = official.choices[0]
    assert answer.text == choice.message.content
    assert answer.self_reward is not None
    assert answer.self_reward.status == "scored"
    assert answer.score == pytest.approx(
        (choice.model_extra or {})["self_reward"]["score"], abs=TOLERANCE
    )
    assert answer.model == demo.model
    assert answer.usage is not None
    assert official.usage is not None
    assert answer.usage.total_tokens == official.usage.total_tokens


def test_best_of_n_is_the_candidate_with_the_highest_score(client: LaServe) -> None:
    answer = client.best_of_n(QUESTION, 8, seed=7, return_candidates=True)
    selection = answer.selection
    assert selection.method == "best_of_n"
    assert selection.candidates is not None
    scores = {
        candidate.index: candidate.self_reward.score
        for candidate in selection.candidates
        if candidate.self_reward is not None and candidate.self_reward.score is not None
    }
    assert answer.score == max(scores.values()) == scores[selection.selected_index]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == selection.completion_tokens


def test_the_majority_is_the_answer_with_the_most_votes(client: LaServe) -> None:
    answer = client.majority(QUESTION, 8, adaptive=False, seed=7)
    votes = answer.selection.votes
    assert votes[0].answer == answer.selection.answer == answer.text
    assert votes[0].count == max(vote.count for vote in votes)
    assert answer.selection.samples_used == 8


def test_it_abstains_under_the_confidence_that_is_asked_for(client: LaServe) -> None:
    # The demo's calibration ends below 1.
    answer = client.select(QUESTION, n_max=2, min_confidence=1.0, escalate=False, seed=7)
    assert answer.abstained
    assert not answer.trusted(0.0)


def test_a_text_scored_afterwards_has_the_score_that_it_had_in_flight(client: LaServe) -> None:
    answer = client.generate(QUESTION, seed=7)
    (reward,) = client.score(QUESTION, answer.text)
    assert reward.method == "post_hoc"
    assert reward.score == pytest.approx(answer.score, abs=TOLERANCE)


def test_a_prompt_of_raw_text_has_another_score_and_the_answer_says_so(
    demo: Server, client: LaServe
) -> None:
    scores = client.score(QUESTION, RIGHT)
    assert (scores.prompt_form, scores.warning) == ("chat_template", None)
    body = {"model": demo.model, "prompt": QUESTION, "completion": RIGHT}
    answer = demo.http.post("/v1/self_reward", json=body).json()
    assert scores[0].score is not None
    assert abs(answer["data"][0]["self_reward"]["score"] - scores[0].score) > 0.5
    assert answer["prompt_form"] == "raw_text"
    assert "chat template" in answer["warning"]


def test_reranking_puts_the_right_answer_first(client: LaServe) -> None:
    ranking = client.rerank(QUESTION, [WRONG, RIGHT])
    assert [(ranked.index, ranked.text) for ranked in ranking] == [(1, RIGHT), (0, WRONG)]
    rewards = client.score([{"role": "user", "content": QUESTION}], [WRONG, RIGHT])
    assert [ranked.relevance_score for ranked in reversed(ranking)] == pytest.approx(
        [reward.score for reward in rewards], abs=TOLERANCE
    )
    assert [ranked.text for ranked in client.rerank(QUESTION, [WRONG, RIGHT], top_n=1)] == [RIGHT]


def test_candidates_of_another_server_are_reranked(client: LaServe) -> None:
    ranking = client.rerank_from(client, QUESTION, n=6, seed=7)
    scores = [ranked.relevance_score for ranked in ranking]
    assert len(scores) == 6
    assert None not in scores
    assert scores == sorted(scores, key=lambda score: -(score or 0.0))


@pytest.mark.parametrize("selecting", [False, True])
def test_a_stream_is_the_answer_that_is_not_streamed(client: LaServe, selecting: bool) -> None:
    *deltas, last = client.stream(
        QUESTION, {"method": "best_of_n", "n_max": 4} if selecting else None, seed=7
    )
    whole = (
        client.best_of_n(QUESTION, 4, seed=7) if selecting else client.generate(QUESTION, seed=7)
    )
    assert isinstance(last, Finished)
    assert "".join(event.text for event in deltas if isinstance(event, TextDelta)) == whole.text
    assert last.answer.text == whole.text
    assert last.answer.score == pytest.approx(whole.score, abs=TOLERANCE)
    assert last.answer.usage is not None
    assert whole.usage is not None
    assert last.answer.usage.total_tokens == whole.usage.total_tokens
    assert isinstance(last.answer, Selected) == selecting


async def test_the_asynchronous_client_runs_many_at_a_time(demo: Server) -> None:
    async with AsyncLaServe(demo.base_url, demo.model) as client:
        answers = await asyncio.gather(
            *(client.generate(QUESTION, seed=seed) for seed in range(8)),
            *(client.best_of_n(QUESTION, 2, seed=seed) for seed in range(4)),
        )
    assert all(answer.score is not None for answer in answers)


def test_mistakes_are_clear_errors(client: LaServe) -> None:
    with pytest.raises(NotFoundError, match="no-such-model"):
        client.generate(QUESTION, model="no-such-model")
    with pytest.raises(BadRequestError, match="n_max"):
        client.select(QUESTION, n_max=0)
    with pytest.raises(BadRequestError):
        client.rerank(QUESTION, [])


def test_a_key_that_is_missing_is_told_with_how_to_give_it(
    guarded_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", QUESTION, "--base-url", guarded_server.base_url], prog="laserve") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "no valid API key" in first
    assert "--api-key" in second
    assert "LASERVE_API_KEY" in second


def test_ask_prints_the_answer_and_tells_whether_it_abstained(
    demo: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ask", QUESTION, "--base-url", demo.base_url, "--seed", "7"]
    assert main([*arguments, "--method", "best_of_n", "--n-max", "4"]) == 0
    printed = capsys.readouterr()
    assert re.fullmatch(r"\S+#\d\n", printed.out)
    assert "best_of_n of" in printed.err
    assert main([*arguments, "--n-max", "2", "--min-confidence", "1", "--stream"]) == 1
    assert "abstained" in capsys.readouterr().err


def test_rerank_goes_on_where_it_stopped(demo: Server, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = {"query": QUESTION, "documents": [WRONG, RIGHT]}
    source.write_text("".join(f"{json.dumps({'id': n, **row})}\n" for n in range(12)))
    arguments = ["rerank", str(source), str(target), "--base-url", demo.base_url]
    assert main(arguments) == 0
    whole = target.read_text()
    target.write_text(whole[: len(whole) // 2])
    assert main(arguments) == 0
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert sorted(row["id"] for row in rows) == list(range(12))
    assert {row["results"][0]["text"] for row in rows} == {RIGHT}
