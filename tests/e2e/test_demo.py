"""The bundled demo checkpoint, served as `make serve` does: its score tells right from wrong."""

from typing import Any

from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from laserve.core.checkpoint_files import hash_files
from laserve.core.manifest import read_manifest
from laserve_training.problem import Split
from laserve_training.tasks.countdown import CountdownTask
from tests.e2e.conftest import DEMO
from tests.e2e.selecting import CHAT, body, post
from tests.e2e.server import Server

MAX_BYTES = 20 * 2**20


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
    """Single answers to fresh problems. Where its manifest keeps no judged samples it says so."""
    manifest = read_manifest(DEMO)
    assert manifest is not None
    selection = {"n_max": 1, "max_risk": 0.05, "escalate": False}
    if manifest.calibration_sampling is None:
        refused = demo.http.post(CHAT, json=body(demo, selection=selection))
        assert refused.status_code == 400
        assert "has none" in refused.json()["error"]["message"]
        return

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


def test_the_ready_line_asks_a_question_of_its_kind(demo: Server) -> None:
    manifest = read_manifest(DEMO)
    assert manifest is not None
    ask(demo, "1,2,3>6", n=1, seed=0)
    assert f'"content": "{manifest.example_prompt}"' in demo.log.read_text()


def test_a_role_that_its_template_does_not_know_is_a_clear_400(demo: Server) -> None:
    answer = demo.http.post(
        "/v1/chat/completions",
        json={"model": demo.model, "messages": [{"role": "system", "content": "2,6,6>2"}]},
    )
    assert answer.status_code == 400
    assert "only the roles user and assistant" in answer.json()["error"]["message"]
