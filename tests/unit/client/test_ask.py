"""`laserve-client ask`."""

import io
import json
from typing import Any, get_type_hints

import pytest

from laserve_client import Selected, Selection, SelectionOptions
from laserve_client._ask import verdict
from laserve_client.cli import main
from tests.unit.client.fake_server import MODEL, TEXT, FakeLaServe, completion, error, selection

Captured = pytest.CaptureFixture[str]


def ask(fake: FakeLaServe, *arguments: str) -> int:
    return main(["ask", "2 + 2?", "--base-url", fake.url, *arguments])


def test_the_answer_is_printed_on_stdout_and_the_verdict_on_stderr(
    fake: FakeLaServe, capsys: Captured
) -> None:
    assert ask(fake, "--seed", "3", "--temperature", "0.5", "--max-tokens", "9") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{TEXT}\n"
    assert printed.err == "score 0.900, confidence 0.980 (scored)\n"
    body = fake.asked[-1].body
    assert body["messages"] == [{"role": "user", "content": "2 + 2?"}]
    assert (body["seed"], body["temperature"], body["max_tokens"]) == (3, 0.5, 9)
    assert "selection" not in body


@pytest.mark.parametrize("stream", [False, True])
def test_an_option_of_the_selection_asks_for_one(
    fake: FakeLaServe, capsys: Captured, stream: bool
) -> None:
    options = ["--method", "majority", "--n-max", "4", "--answer", "last_number"]
    assert ask(fake, *options, *["--stream"] * stream) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{TEXT}\n"
    assert printed.err.splitlines() == [
        "score 0.900, confidence 0.980 (scored)",
        "majority of 4 samples (n_max): confidence 0.900",
        "  2 x 'right', weight 1.800",
        "  1 x 'another', weight unknown",
        "  without a vote: 1 truncated",
    ]
    body = fake.asked[-1].body
    assert body["selection"] == {"method": "majority", "n_max": 4, "answer": "last_number"}
    assert body.get("stream", False) == stream


OPTIONS = {
    "method": "best_of_n",
    "n_max": 3,
    "n_parallel": 2,
    "answer": "boxed",
    "equality": "math",
    "weights": "confidence",
    "adaptive": False,
    "posterior": 0.75,
    "min_confidence": 0.5,
    "max_risk": 0.05,
    "delta": 0.1,
    "max_total_tokens": 100,
    "timeout_s": 1.5,
    "escalate": False,
    "return_candidates": True,
}


def test_every_option_of_the_selection_has_a_flag(fake: FakeLaServe) -> None:
    assert OPTIONS.keys() == get_type_hints(SelectionOptions).keys()
    flags = []
    for name, value in OPTIONS.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            flags += [f"--{flag}", str(value)]
    assert ask(fake, *flags) == 0
    assert fake.asked[-1].body["selection"] == OPTIONS


@pytest.mark.parametrize("form", [[], ["--stream"], ["--json"]])
def test_the_exit_status_tells_that_the_server_abstained(
    fake: FakeLaServe, capsys: Captured, form: list[str]
) -> None:
    assert ask(fake, "--min-confidence", "0.95", *form) == 1
    if form != ["--json"]:
        assert "abstained: the confidence asked for was not reached" in capsys.readouterr().err


def test_json_holds_everything(fake: FakeLaServe, capsys: Captured) -> None:
    assert ask(fake, "--json", "--n-max", "4") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["text"] == TEXT
    assert printed["self_reward"]["score"] == 0.9
    assert printed["selection"]["votes"][0]["answer"] == "right"
    assert printed["usage"]["total_tokens"] == 7


def test_the_question_may_come_from_standard_input(
    fake: FakeLaServe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a question\nof two lines\n"))
    assert main(["ask", "-", "--base-url", fake.url, "--model", MODEL]) == 0
    assert fake.asked[-1].body["messages"][0]["content"] == "a question\nof two lines"


def test_the_key_comes_from_the_environment(
    fake: FakeLaServe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASERVE_API_KEY", "sk-environment")
    ask(fake)
    assert fake.asked[-1].headers["authorization"] == "Bearer sk-environment"
    ask(fake, "--api-key", "sk-option")
    assert fake.asked[-1].headers["authorization"] == "Bearer sk-option"


def test_errors_are_told_in_one_line(fake: FakeLaServe, capsys: Captured) -> None:
    fake.failures.append(error(400, "n_max is 0: give 1 or more"))
    arguments = ["ask", "2 + 2?", "--base-url", fake.url, "--model", MODEL, "--n-max", "0"]
    assert main(arguments, prog="laserve") == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        "laserve ask: n_max is 0: give 1 or more (HTTP 400)\n",
    )


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["ask", "2 + 2?"], 401, ("--api-key", "LASERVE_API_KEY")),
        (["checkpoints", "list"], 401, ("--api-key", "LASERVE_API_KEY")),
        (["checkpoints", "load", "a"], 401, ("--api-key", "LASERVE_API_KEY")),
        (["checkpoints", "rollback"], 403, ("--admin-key", "LASERVE_ADMIN_KEY")),
        (["ask", "2 + 2?"], 403, ()),
        (["ask", "2 + 2?"], 400, ()),
    ],
)
def test_a_key_that_is_missing_is_told_with_its_flag_and_variable(
    fake: FakeLaServe, capsys: Captured, arguments: list[str], status: int, told: tuple[str, ...]
) -> None:
    fake.failures.append(error(status, "no valid key"))
    assert main([*arguments, "--base-url", fake.url]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"laserve-client {arguments[0]}: no valid key (HTTP {status})"
    assert lines[1:] == ([f"give the key with {told[0]} or in {told[1]}"] if told else [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "", "--base-url", "http://127.0.0.1:1"], "the question is empty"),
        (
            ["ask", "a", "--base-url", "http://127.0.0.1:1"],
            "connection failed (http://127.0.0.1:1): ",
        ),
        (["ask", "a", "--base-url", "nowhere"], "base_url 'nowhere' is no address of a server"),
        (["rerank", "missing.jsonl", "out.jsonl"], "No such file"),
    ],
)
def test_mistakes_are_told(arguments: list[str], message: str, capsys: Captured) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["ask"], ["ask", "a", "--method", "x"], ["ask", "a", "--json", "--stream"]]
)
def test_a_wrong_call_ends_with_the_usage(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: laserve-client" in capsys.readouterr().err


def selected(**change: Any) -> Selected:
    """An answer whose selection the server tells with these fields."""
    raw: dict[str, Any] = completion({"model": MODEL}, 1)
    return Selected(
        text="a",
        finish_reason="stop",
        self_reward=None,
        model=MODEL,
        usage=None,
        raw=raw,
        selection=Selection(**{**selection({}), **change}),
    )


def test_a_score_that_is_too_low_for_the_risk_is_told() -> None:
    risk = {"max_risk": 0.1, "delta": 0.1, "problems": 90, "answered": 80, "wrong": 2}
    low = selected(abstained=True, score=0.5, risk={**risk, "min_score": 0.6})
    assert (
        verdict(low).splitlines()[-1] == "abstained: the score that the risk takes was not reached"
    )
    enough = selected(abstained=True, score=0.7, risk={**risk, "min_score": 0.6})
    assert verdict(enough).splitlines()[-1].startswith("abstained: the confidence asked for")


def test_what_became_of_the_upstream_is_told() -> None:
    upstream = {"model": "large", "status": "error", "message": "it is busy", "usage": None}
    assert verdict(selected(abstained=True, upstream=upstream)).splitlines()[-2:] == [
        "abstained: the confidence asked for was not reached",
        "upstream large error: it is busy",
    ]


def test_that_no_sample_gave_an_answer_is_told() -> None:
    nothing: dict[str, Any] = {
        "answer": None,
        "confidence": None,
        "votes": [],
        "applied_method": None,
    }
    answer = selected(abstained=True, **nothing)
    assert verdict(answer).splitlines()[-1] == "abstained: no sample gave an answer"
    assert not answer.trusted(0.0)


def test_that_a_method_could_not_be_applied_is_told() -> None:
    answer = selected(
        method="best_of_n", applied_method="majority", unscored={"stop_string": 3, "stop_token": 1}
    )
    assert verdict(answer).splitlines()[-2:] == [
        "  without a score: 3 stop_string, 1 stop_token",
        "best_of_n needs scores, and no vote has one: majority",
    ]


def test_a_server_that_tells_less_is_understood() -> None:
    told = {k: v for k, v in selection({}).items() if k not in ("applied_method", "unscored")}
    older = selected().model_copy(update={"selection": Selection(**told)})
    assert verdict(older) == verdict(selected())
