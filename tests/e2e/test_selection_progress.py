"""A streamed selection that lists its candidates tells of each as it ends."""

import json
from typing import Any

from tests.e2e.selecting import CHAT, body, post
from tests.e2e.server import Server

ASKED = {"n_max": 8, "n_parallel": 2, "adaptive": False, "return_candidates": True}


def chunks(server: Server, path: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    events = server.http.post(path, json={**asked, "stream": True}).text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


def test_each_sample_is_told_of_before_the_answer_with_the_votes_so_far(demo: Server) -> None:
    found = chunks(demo, CHAT, body(demo, selection=ASKED))
    told = [chunk["selection_progress"] for chunk in found if "selection_progress" in chunk]
    assert [one["samples_ended"] for one in told] == list(range(1, 9))
    assert all(chunk["choices"] == [] for chunk in found[:8])
    assert {(chunk["id"], chunk["model"], chunk["object"]) for chunk in found} == {
        (found[-1]["id"], demo.model, "chat.completion.chunk")
    }
    (selection,) = [chunk["selection"] for chunk in found if "selection" in chunk]
    candidates = sorted((one["candidate"] for one in told), key=lambda one: one["index"])
    places = [one.pop("vote") for one in selection["candidates"]]
    assert [{**one, "vote": None} for one in candidates] == [
        {**one, "vote": None} for one in selection["candidates"]
    ]
    answers = [selection["votes"][place]["answer"] for place in places]
    assert answers == [one["answer"] for one in selection["candidates"]]
    assert told[-1]["votes"] == selection["votes"]
    assert told[-1]["confidence"] == selection["confidence"]
    assert told[-1]["completion_tokens"] == selection["completion_tokens"]


def test_the_official_client_reads_such_a_stream_to_its_end(demo: Server) -> None:
    whole = post(demo, selection=ASKED)
    with demo.client.chat.completions.stream(
        **body(demo), extra_body={"selection": ASKED}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == whole["choices"][0]["message"]["content"]


def test_text_completions_tell_too_and_who_does_not_ask_is_told_nothing(demo: Server) -> None:
    asked = {"model": demo.model, "prompt": "2,6,6>2\n", "max_tokens": 24, "seed": 1}
    found = chunks(demo, "/v1/completions", {**asked, "selection": ASKED})
    assert sum("selection_progress" in chunk for chunk in found) == 8
    assert {(chunk["id"], chunk["object"]) for chunk in found} == {
        (found[-1]["id"], "text_completion")
    }
    silent = {**ASKED, "return_candidates": False}
    assert "selection_progress" not in str(
        chunks(demo, "/v1/completions", {**asked, "selection": silent})
    )
