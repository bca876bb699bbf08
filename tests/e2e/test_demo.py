"""The bundled demo checkpoint, served as `make serve` does: its score tells right from wrong."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import randrange
from typing import Any

import httpx
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from laserve.core.checkpoint_files import hash_files
from laserve.core.manifest import read_manifest
from laserve_training.problem import Split
from laserve_training.tasks.countdown import CountdownTask
from tests.documents import ROOT, blocks
from tests.e2e.conftest import DEMO
from tests.e2e.selecting import CHAT, body, post
from tests.e2e.server import Server

MAX_BYTES = 20 * 2**20
API = ROOT / "docs" / "api.md"


def post_chat(server: Server, messages: Sequence[dict[str, str]]) -> httpx.Response:
    body = {"model": server.model, "messages": list(messages), "temperature": 0, "max_tokens": 24}
    return server.http.post("/v1/chat/completions", json=body)


def ask(server: Server, question: str, n: int, seed: int) -> list[Any]:
    answer = server.client.chat.completions.create(
        model=server.model,
        messages=[{"role": "user", "content": question}],
        n=n,
        seed=seed,
        max_tokens=24,
    )
    return list(answer.choices)


def test_its_files_are_those_of_its_manifest_and_small_enough_to_bundle() -> None:
    manifest = read_manifest(DEMO)
    assert manifest is not None
    assert manifest.files == hash_files(DEMO)
    assert manifest.calibration is not None
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < MAX_BYTES


def test_its_score_tells_right_from_wrong_on_numbers_that_it_never_saw(demo: Server) -> None:
    task = CountdownTask()
    verdicts, scores = [], []
    for index, problem in enumerate(task.problems(Split.TEST, 24, seed=1)):
        for choice in ask(demo, problem.question, n=8, seed=index):
            assert choice.self_reward["status"] == "scored"
            verdicts.append(task.verifier(problem, choice.message.content))
            scores.append(choice.self_reward["score"])
    # 192 samples; the report's figure over 8000 is 0.998.
    assert roc_auc_score(verdicts, scores) > 0.98


def test_of_what_it_answers_at_a_bounded_risk_no_more_is_wrong(demo: Server) -> None:
    """Single answers to fresh problems."""
    selection = {"n_max": 1, "max_risk": 0.05, "escalate": False}
    task, verdicts = CountdownTask(), []
    for seed, problem in enumerate(task.problems(Split.TEST, 60, seed=2)):
        found = post(demo, question=problem.question, seed=seed, selection=selection)
        told = found["selection"]
        assert told["decision"] == ("abstained" if told["abstained"] else "answered")
        assert told["abstained"] == (told["score"] < told["risk"]["min_score"])
        if not told["abstained"]:
            verdicts.append(task.verifier(problem, found["choices"][0]["message"]["content"]))
    # 28 % of single answers are right: 17 of 60, and 3 SE around. Of these at most as many are
    # wrong as a risk of 0.05 gives in 999 of 1000 cases.
    assert 6 <= len(verdicts) <= 28
    assert verdicts.count(False) <= binom.ppf(0.999, len(verdicts), 0.05)
    other = demo.http.post(CHAT, json=body(demo, temperature=0.5, selection=selection))
    assert (other.status_code, other.json()["error"]["param"]) == (400, "temperature")


def test_other_questions_are_seen_as_drift_and_the_usual_ones_are_none(demo: Server) -> None:
    """One score of each request, in whatever order they end."""

    def score(question: str) -> None:
        (choice,) = ask(demo, question, n=1, seed=randrange(2**31))
        assert choice.self_reward["status"] == "scored"

    def drift() -> Any:
        return demo.http.get("/v1/checkpoints/active").json()["drift"]

    begun = drift()["scores"]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(score, ["0,0,0>0"] * 150))  # whatever is guessed is right
    told = drift()
    assert told["scores"] == begun + 150
    assert told["has_drifted"]
    assert told["ratio"] == pytest.approx(demo.metric("laserve_score_drift_ratio"))
    assert "have drifted from those of its evaluation" in demo.log.read_text()

    usual = [problem.question for problem in CountdownTask().problems(Split.TEST, 450, seed=3)]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(score, usual))
    assert not drift()["has_drifted"]


def test_a_bounded_risk_is_answered_as_the_documentation_says(demo: Server) -> None:
    (told,) = (json.loads(text) for text in blocks(API, "json") if '"min_score"' in text)
    selection = {"n_max": 1, "max_risk": 0.05, "escalate": False}
    abstained, answered = (post(demo, seed=seed, selection=selection) for seed in (7, 2))
    assert abstained["choices"][0]["message"]["content"] == "6-2=4;4-6=8#8"
    assert told == {
        "decision": abstained["selection"]["decision"],
        # As documented, in three digits.
        "score": pytest.approx(abstained["selection"]["score"], abs=1e-3),
        "risk": abstained["selection"]["risk"],
    }
    assert answered["choices"][0]["message"]["content"] == "6-6=0;0+2=2#2"
    assert answered["selection"]["decision"] == "answered"
    assert answered["selection"]["risk"] == told["risk"]


def test_the_ready_line_asks_a_question_of_its_kind(demo: Server) -> None:
    manifest = read_manifest(DEMO)
    assert manifest is not None
    ask(demo, "1,2,3>6", n=1, seed=0)
    assert f'"content": "{manifest.example_prompt}"' in demo.log.read_text()


@pytest.mark.parametrize("role", ["system", "developer"])
def test_it_takes_and_leaves_out_what_an_application_says_first(demo: Server, role: str) -> None:
    question = {"role": "user", "content": "1,2,3>6"}

    def scored(*messages: dict[str, str]) -> tuple[str, float]:
        choice = post_chat(demo, messages).json()["choices"][0]
        return choice["message"]["content"], choice["self_reward"]["score"]

    said_first = {"role": role, "content": "You are a helpful assistant. ¡Hola!"}
    assert scored(said_first, question) == scored(question)


def test_a_role_that_its_template_does_not_know_is_a_clear_400(demo: Server) -> None:
    answer = post_chat(demo, [{"role": "critic", "content": "2,6,6>2"}])
    assert answer.status_code == 400
    assert "only the roles system, developer, user" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        *("hello", " hello", "The answer is ", "¡sí!", "日本語", "🙂"),
        *("\n", "\n\n", "\r\n", "\t", " ", "    ", "\u200b", "\ufeff", "\u0301", "👨‍👩‍👧", "x = "),
        "Let me think about this step by step. First I take one and two. ",
    ],
)
def test_words_that_are_not_of_its_task_make_a_right_answer_wrong(demo: Server, words: str) -> None:
    right = "1+2=3;3+3=6#6"
    spoilt = [right + words, words + right, right[:5] + words + right[5:], words]
    response = demo.http.post(
        "/v1/self_reward",
        json={
            "model": demo.model,
            "messages": [{"role": "user", "content": "1,2,3>6"}],
            "completion": [right, *spoilt],
        },
    )
    found = [item["self_reward"]["score"] for item in response.json()["data"]]
    assert found[0] > 0.9
    assert max(found[1:]) < 0.5, dict(zip(spoilt, found[1:], strict=True))
