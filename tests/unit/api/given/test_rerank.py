"""Documents come best first."""

import pytest

from laserve.core.types import Status
from tests.unit.api.given.stand_ins import ASSISTANT, RERANK, RERANKS, Server, ids, reward

pytestmark = pytest.mark.asyncio


async def test_every_rerank_route_answers_alike(server: Server) -> None:
    body = {"model": None, "query": "x", "documents": ["ccc", "a", {"text": "bb"}], "top_n": 2}
    answers = [(await server.post(path, body)).json() for path in RERANKS]
    assert answers[0] == answers[1] == answers[2]
    assert [result["index"] for result in answers[0]["results"]] == [1, 2]


async def test_documents_come_best_first_and_without_score_last(server: Server) -> None:
    server.engine.unscored = {6: Status.ABORTED}  # "aborted" by its length
    documents = ["four", {"text": "two"}, "abort", "4444", "", "hadit"]
    answer = await server.post(RERANK, {"query": "1 + 1?", "documents": documents})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    prompt = ids(server, "1 + 1?" + ASSISTANT)
    assert {tuple(asked) for asked, _ in server.engine.asked.values()} == {tuple(prompt)}
    assert [result["index"] for result in body["results"]] == [4, 1, 0, 3, 2, 5]
    assert [result["document"] for result in body["results"]] == [
        {"text": text} for text in ("", "two", "four", "4444", "abort", "hadit")
    ]
    assert body["results"][0]["self_reward"] == reward(1)
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == [reward(n)["score"] for n in (1, 4, 5, 5)] + [None, None]
    assert body["results"][-1]["self_reward"]["status"] == "aborted"
    read = 6 * len(prompt) + 1 + 4 + 5 + 5 + 6 + 6
    assert body["id"] == "rerank-1"
    assert body["usage"] == {"total_tokens": read}
    assert answer.headers["x-laserve-score"] == str(reward(1)["score"])


@pytest.mark.parametrize(
    ("top_n", "left"), [(1, [1]), (2, [1, 2]), (9, [1, 2, 0]), (None, [1, 2, 0])]
)
async def test_top_n_cuts_after_sorting(server: Server, top_n: int | None, left: list[int]) -> None:
    body = {"query": "x", "documents": ["ccc", "a", "bb"], "top_n": top_n}
    answer = await server.post(RERANK, body)
    assert [result["index"] for result in answer.json()["results"]] == left


async def test_documents_are_left_out_on_request(server: Server) -> None:
    body = {"query": "x", "documents": ["a"], "return_documents": False}
    [result] = (await server.post(RERANK, body)).json()["results"]
    assert result.keys() == {"index", "relevance_score", "self_reward"}
