"""What a request for a selection is refused for."""

from typing import Any

import pytest

from tests.e2e.selecting import CHAT, QUESTION, body
from tests.e2e.server import Server


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"selection": {"n_max": 0}}, "n_max"),
        ({"selection": {"n_max": 1000}}, "128"),
        ({"selection": {"n_max": 2.5}}, "n_max"),
        ({"selection": {"n_max": True}}, "n_max"),
        ({"selection": {"n_parallel": 0}}, "n_parallel"),
        ({"selection": {"method": "vote"}}, "method"),
        ({"selection": {"answer": "best"}}, "answer"),
        ({"selection": {"answer": "regex:("}}, "regular expression"),
        ({"selection": {"answer": r"regex:(a)\1"}}, "RE2"),
        ({"selection": {"answer": "regex:" + "a" * 10**6}}, "regular expression"),
        ({"selection": {"answer": "json:$.a["}}, "JSON path"),
        ({"selection": {"answer": "json:$..a"}}, "JSON path"),
        ({"selection": {"answer": "plugin:none"}}, "result"),
        ({"selection": {"equality": "fuzzy"}}, "equality"),
        ({"selection": {"posterior": 0.2}}, "posterior"),
        ({"selection": {"posterior": 0.9, "method": "best_of_n"}}, "posterior"),
        ({"selection": {"min_confidence": 1.5}}, "min_confidence"),
        ({"selection": {"max_risk": 1}}, "max_risk"),
        ({"selection": {"max_risk": 0.1, "delta": 0}}, "delta"),
        ({"selection": {"max_total_tokens": 0}}, "max_total_tokens"),
        ({"selection": {"timeout_s": 0}}, "timeout_s"),
        ({"selection": {"timeout_s": "NaN"}}, "timeout_s"),
        ({"selection": {"threshold": 1}}, "threshold"),
        ({"selection": "majority"}, "selection"),
        ({"selection": {}, "n": 2}, "n_max"),
        ({"selection": {}, "use_beam_search": True}, "use_beam_search"),
        ({"selection": {}, "self_reward": False}, "self_reward"),
        ({"selections": {}}, "selection"),
    ],
)
def test_a_bad_selection_is_refused_by_name(
    demo: Server, change: dict[str, Any], named: str
) -> None:
    answer = demo.http.post(CHAT, json=body(demo, **change))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert named in error["message"] + str(error["param"])


def test_other_routes_say_that_they_select_nothing(demo: Server) -> None:
    asked = {"model": demo.model, "input": QUESTION, "selection": {}}
    answer = demo.http.post("/v1/responses", json=asked)
    assert answer.status_code == 400
    assert "other routes select nothing" in answer.json()["error"]["message"]


def test_confidence_needs_a_calibration(server: Server) -> None:
    asked = body(server, selection={"min_confidence": 0.5})
    answer = server.http.post(CHAT, json=asked)
    assert answer.status_code == 400
    assert "no calibration" in answer.json()["error"]["message"]


def test_a_bound_on_the_risk_needs_judged_samples(server: Server) -> None:
    answer = server.http.post(CHAT, json=body(server, selection={"max_risk": 0.1}))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert "has none" in error["message"]
    assert error["param"] == "selection.max_risk"


def test_several_prompts_are_refused(demo: Server) -> None:
    asked = {"model": demo.model, "prompt": ["a", "b"], "selection": {}}
    answer = demo.http.post("/v1/completions", json=asked)
    assert answer.status_code == 400
    assert "request for each prompt" in answer.json()["error"]["message"]


def test_a_json_path_that_matches_nothing_is_refused_with_the_keys_that_there_are(
    server: Server,
) -> None:
    asked = {
        **body(server, selection={"answer": "json:$.m", "n_max": 2, "method": "majority"}),
        "structured_outputs": {"choice": ['{"n": 1}', '{"n": 2}']},
    }
    answer = server.http.post(CHAT, json=asked)
    assert answer.status_code == 400, answer.text
    assert "$.m" in answer.json()["error"]["message"]
    asked["selection"]["answer"] = "json:$.n"
    assert server.http.post(CHAT, json=asked).json()["selection"]["answer"] in ("1", "2")
