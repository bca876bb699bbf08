"""The server as its operator meets it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.server import Server
from tests.integration.generating import HuggingFaceReference
from tests.tiny_model import TinyModel

BODY: dict[str, Any] = {"model": "tiny", "prompt": "x", "max_tokens": 5}


def test_health_is_true_only_once_the_engine_is_warm(server: Server) -> None:
    assert server.health_before_ready
    assert 200 not in server.health_before_ready
    assert httpx.get(f"{server.base_url}/health").status_code == 200
    head = httpx.head(f"{server.base_url}/health")
    assert (head.status_code, head.content) == (200, b"")


def test_a_model_is_told_by_its_name(server: Server) -> None:
    listed = {model.id for model in server.client.models.list()}
    assert {server.model, "tiny-lora"} == listed
    for name in listed:
        assert server.client.models.retrieve(name).id == name
        assert server.http.head(f"/v1/models/{name}").status_code == 200
    with pytest.raises(openai.NotFoundError, match="`no-such-model` does not exist"):
        server.client.models.retrieve("no-such-model")


def test_the_ready_line_shows_a_request_that_works(server: Server) -> None:
    for _ in range(50):
        if "LaServe is ready" in (log := server.log.read_text()):
            break
        time.sleep(0.1)
    line = next(line for line in log.splitlines() if line.startswith("curl "))
    url = line.split()[1]
    body = line.split(" -d '")[1].removesuffix("'")
    answer = httpx.post(url, content=body, headers={"content-type": "application/json"}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["self_reward"]


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"self_rewards": True}, 400, "self_rewards"),
        ({"self_reward": "yes"}, 400, "self_reward"),
        ({"self_reward": {"mode": 1}}, 400, "self_reward"),
        ({"best_of": 4}, 400, "best_of"),
        ({"n": 0}, 400, "n"),
        ({"max_tokens": "many"}, 400, "max_tokens"),
        ({"temperature": -1}, 400, "temperature"),
        ({"prompt": [1] * 600}, 400, "512"),
        ({"prompt": []}, 400, "prompt"),
        ({"model": "no-such-model"}, 404, "no-such-model"),
        ({"top_k": 2**70}, 400, "64 bits"),
        ({"stop": ["\ud800"]}, 400, ""),
        ({"prompt": "a<|vision_start|>b"}, 400, "the score token '<|vision_start|>'"),
        ({"logit_bias": {"259": 100}}, 400, "logit_bias"),
        ({"logit_bias": {"259": -100}, "self_reward": False}, 400, "logit_bias"),
        ({"allowed_token_ids": [5, 259]}, 400, "allowed_token_ids"),
        ({"bad_words": ["<|vision_start|>"]}, 400, "bad_words"),
    ],
)
def test_bad_input_is_refused_by_name_and_harms_nothing(
    server: Server, change: dict[str, Any], status: int, named: str
) -> None:
    headers = {"content-type": "application/json"}
    body = json.dumps({**BODY, **change})  # httpx does not encode a lone surrogate
    answer = server.http.post("/v1/completions", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == status
    assert error["type"] == {400: "BadRequestError", 404: "NotFoundError"}[status]
    assert named in f"{error['message']} {error['param']}"
    assert "{'" not in error["message"]
    assert server.http.post("/v1/completions", json=BODY).status_code == 200


def test_the_score_token_in_a_prompt_is_refused_on_every_scored_route_and_left_to_plain_vllm(
    server: Server, tiny: TinyModel
) -> None:
    text = "a<|vision_start|>b"
    messages = [{"role": "user", "content": text}]
    given = {"completion": "c"}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/v1/completions", {"prompt": [1, tiny.z_c]}),
        ("/v1/completions", {"prompt": text, "stream": True}),
        ("/v1/completions", {"prompt": text, "selection": {"n_max": 2}}),
        ("/v1/chat/completions", {"messages": messages}),
        ("/v1/responses", {"input": text}),
        ("/v1/messages", {"messages": messages, "max_tokens": 2}),
        ("/v1/self_reward", {"messages": messages, **given}),
        ("/v1/self_reward", {"prompt": text, **given}),
        ("/v1/self_reward", {"prompt_token_ids": [1, tiny.z_c], **given}),
        ("/v1/rerank", {"query": text, "documents": ["c"]}),
    ]
    for path, body in bodies:
        answer = server.http.post(path, json={"model": "tiny", **body})
        assert answer.status_code == 400, (path, answer.text)
        assert "score token" in answer.json()["error"]["message"]
    plain = {**BODY, "prompt": [1, tiny.z_c], "self_reward": False}
    assert server.http.post("/v1/completions", json=plain).status_code == 200


def test_invalid_json_is_a_400(server: Server) -> None:
    headers = {"content-type": "application/json"}
    answer = server.http.post("/v1/chat/completions", content=b'{"model": ', headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400


def test_the_openapi_document_tells_of_scores(server: Server) -> None:
    document = server.http.get("/openapi.json").json()
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"):
        operation = document["paths"][path]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        request = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        assert request["properties"]["self_reward"]["default"] is True
    assert "SelfReward" in document["components"]["schemas"]


def test_metrics_count_what_was_generated(server: Server) -> None:
    before = {
        name: server.metric(name)
        for name in (
            "laserve_self_reward_score_count",
            "laserve_generations_total",
            "laserve_overhead_tokens_total",
            "vllm:generation_tokens_total",
        )
    }
    answer = server.http.post("/v1/completions", json={**BODY, "max_tokens": 300, "n": 4})
    scored = [c for c in answer.json()["choices"] if c["self_reward"]["status"] == "scored"]
    assert server.metric("laserve_generations_total") == before["laserve_generations_total"] + 4
    counted = server.metric("laserve_self_reward_score_count")
    assert counted == before["laserve_self_reward_score_count"] + len(scored)
    # Two digits for a vocabulary of 384; two tokens too for an answer that was cut.
    overhead = server.metric("laserve_overhead_tokens_total")
    assert overhead == before["laserve_overhead_tokens_total"] + 4 * 2
    assert server.metric("vllm:generation_tokens_total") > before["vllm:generation_tokens_total"]


def test_a_client_that_disconnects_frees_its_memory(server: Server) -> None:
    body = {**BODY, "max_tokens": 450, "min_tokens": 450, "n": 8, "stream": True}
    with server.http.stream("POST", "/v1/completions", json=body) as stream:
        lines = stream.iter_lines()  # kept: httpx closes the connection with its iterator
        next(lines)
        assert server.metric("vllm:num_requests_running") > 0
    for _ in range(100):
        if not server.metric("vllm:num_requests_running"):
            break
        time.sleep(0.1)
    assert server.metric("vllm:num_requests_running") == 0
    assert server.metric("vllm:kv_cache_usage_perc") == 0


def test_many_clients_at_once_are_all_scored(server: Server) -> None:
    def ask(seed: int) -> str:
        answer = server.http.post(
            "/v1/completions", json={**BODY, "prompt": f"{seed}", "max_tokens": 200, "seed": seed}
        )
        return str(answer.json()["choices"][0]["self_reward"]["status"])

    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(ask, range(64)))
    assert set(statuses) <= {"scored", "truncated"}
    assert statuses.count("scored") > 32


def test_without_the_key_only_health_answers(guarded_server: Server) -> None:
    url = guarded_server.base_url
    assert httpx.get(f"{url}/health").status_code == 200
    assert httpx.head(f"{url}/health").status_code == 200
    document = guarded_server.http.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            if path != "/health":
                answer = httpx.request(method, url + path.replace("{", "").replace("}", ""))
                assert answer.status_code == 401, (method, path)
    for path in ("/metrics", "/docs", "/openapi.json"):
        assert httpx.get(url + path).status_code == 401
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_an_engine_that_takes_no_processors_scores_by_a_second_request(
    guarded_server: Server, tiny: TinyModel
) -> None:
    reference = HuggingFaceReference(tiny)  # the guarded server's model has the same weights
    answer = guarded_server.client.completions.create(
        model=guarded_server.model,
        prompt=[1, 2, 3],
        max_tokens=300,
        seed=2,
        n=4,
        extra_body={"return_token_ids": True},
    )
    scored = 0
    for choice in answer.choices:
        extra = choice.model_extra or {}
        reward = extra["self_reward"]
        if reward["status"] == "scored":
            scored += 1
            assert reward["method"] == "post_hoc"
            assert reward["checkpoint"] == "tiny-with-manifest"
            expected = reference.logprob([1, 2, 3], extra["token_ids"])
            assert reward["logprob"] == pytest.approx(expected, abs=1e-3)
            assert reward["score"] == pytest.approx(0.2 * (reward["logprob"] + 17.0))
    assert scored >= 2


def test_logprobs_that_would_kill_a_speculating_engine_are_refused(guarded_server: Server) -> None:
    body = {**BODY, "logprobs": 1, "logprob_token_ids": [5]}
    answer = guarded_server.http.post("/v1/completions", json=body)
    assert answer.status_code == 400, answer.text
    assert guarded_server.http.post("/v1/completions", json=BODY).status_code == 200
