"""Text that was written elsewhere, scored by a real server."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import torch
from transformers import PreTrainedModel

from tests.e2e.server import Server
from tests.integration.generating import HuggingFaceReference
from tests.tiny_model import TinyModel

SELF_REWARD, RERANK, CHAT = "/v1/self_reward", "/v1/rerank", "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "1 + 1?"}]
TOLERANCE = 0.0006
"""Nats, between a score in flight and one by a request of its own, in float32."""
WORDS = {"structured_outputs": {"regex": "[a-z ]{5,60}"}, "max_tokens": 80}
"""Of letters, which become the same tokens again."""
EOS = 256
CONTROL = {"model": "tiny", "messages": MESSAGES, "completion": ["2", "3"]}


def post(server: Server, path: str, body: dict[str, Any]) -> Any:
    answer = server.http.post(path, json={"model": server.model, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def logprobs(server: Server, **body: Any) -> list[float]:
    """Of the completions in a request for self-rewards; all must be scored."""
    data = post(server, SELF_REWARD, body)["data"]
    assert [item["index"] for item in data] == list(range(len(data)))
    assert {item["self_reward"]["status"] for item in data} == {"scored"}
    return [item["self_reward"]["logprob"] for item in data]


def test_a_generated_text_has_the_same_score_when_it_is_given_back(server: Server) -> None:
    body = {"messages": MESSAGES, "n": 16, "seed": 1, "return_token_ids": True, **WORDS}
    choices = [
        choice
        for choice in post(server, CHAT, body)["choices"]
        if choice["self_reward"]["method"] == "in_flight" and choice["token_ids"][-1] == EOS
    ]
    assert len(choices) > 4
    before = [choice["self_reward"]["logprob"] for choice in choices]
    texts = [choice["message"]["content"] for choice in choices]
    assert logprobs(server, messages=MESSAGES, completion=texts) == pytest.approx(
        before, abs=TOLERANCE
    )
    tokens = [choice["token_ids"] for choice in choices]
    assert logprobs(server, messages=MESSAGES, completion_token_ids=tokens) == pytest.approx(
        before, abs=TOLERANCE
    )


def test_tools_and_template_arguments_change_the_prompt_as_in_a_generation(server: Server) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    options = {"tools": [tool], "chat_template_kwargs": {"add_special": True}}
    body = {"messages": MESSAGES, "n": 8, "seed": 2, "return_token_ids": True, **WORDS, **options}
    choices = [
        choice
        for choice in post(server, CHAT, body)["choices"]
        if choice["self_reward"]["logprob"] is not None
    ]
    found = logprobs(
        server,
        messages=MESSAGES,
        completion_token_ids=[choice["token_ids"] for choice in choices],
        **options,
    )
    before = [choice["self_reward"]["logprob"] for choice in choices]
    assert found == pytest.approx(before, abs=TOLERANCE)


def test_a_text_and_its_tokens_are_the_same(server: Server, tiny: TinyModel) -> None:
    reference = HuggingFaceReference(tiny)
    body = {"prompt": "1 + 1 = ", "max_tokens": 1, "return_token_ids": True}
    prompt = post(server, "/v1/completions", body)["choices"][0]["prompt_token_ids"]
    letters = {letter: post_tokens(server, letter) for letter in "ab"}
    tokens = [*letters["a"], *letters["b"], tiny.primary_eos]
    expected = pytest.approx([reference.logprob(prompt, tokens)], abs=TOLERANCE)
    assert logprobs(server, prompt="1 + 1 = ", completion="ab") == expected
    assert logprobs(server, prompt_token_ids=prompt, completion_token_ids=tokens) == expected


def post_tokens(server: Server, text: str) -> list[int]:
    body = {"prompt": text, "add_special_tokens": False}
    tokens: list[int] = post(server, "/tokenize", body)["tokens"]
    return tokens


def test_documents_come_in_the_order_of_their_scores(server: Server) -> None:
    documents = [f"It is {number}." for number in range(50)]
    scores = [
        item["self_reward"]["score"]
        for item in post(server, SELF_REWARD, {"messages": MESSAGES, "completion": documents})[
            "data"
        ]
    ]
    body = {"query": MESSAGES[0]["content"], "documents": documents, "top_n": 20}
    answer = post(server, RERANK, body)
    results = answer["results"]
    best = sorted(range(50), key=lambda index: (-scores[index], index))[:20]
    # Batches differ, and so does the last bit: compare by score, not by place.
    found = [result["relevance_score"] for result in results]
    assert found == sorted(found, reverse=True)
    assert found == pytest.approx([scores[index] for index in best], abs=0.1 * TOLERANCE)
    for result in results:
        assert result["document"] == {"text": documents[result["index"]]}
        assert result["relevance_score"] == pytest.approx(
            scores[result["index"]], abs=0.1 * TOLERANCE
        )
    assert answer["usage"]["total_tokens"] > 50 * 10


LITELLM = """
import json, sys
import litellm

url, query, documents = sys.argv[1], sys.argv[2], sys.argv[3:]
asked = {"query": query, "documents": documents, "top_n": 2, "api_key": "none", "api_base": url}
for model in ("hosted_vllm/tiny", "cohere/tiny", "jina_ai/tiny"):
    answer = litellm.rerank(model=model, **asked)
    print(json.dumps([[result["index"], result["relevance_score"]] for result in answer.results]))
"""


def test_the_clients_of_other_rerankers_get_their_ranking(server: Server) -> None:
    documents = ["It is 2.", "It is 3.", "It is 4."]
    body = {"query": MESSAGES[0]["content"], "documents": documents, "top_n": 2}
    answers = [post(server, path, body) for path in (RERANK, "/v2/rerank", "/rerank")]
    expected = [
        [result["index"], pytest.approx(result["relevance_score"], abs=0.1 * TOLERANCE)]
        for result in answers[0]["results"]
    ]
    told = [*map(_ranking, answers[1:])]
    command = [sys.executable, "-c", LITELLM, server.base_url, MESSAGES[0]["content"], *documents]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    told += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
    assert told == [expected] * 5


def _ranking(answer: dict[str, Any]) -> list[list[Any]]:
    return [[result["index"], result["relevance_score"]] for result in answer["results"]]


def test_an_adapter_scores_with_its_own_weights(
    server: Server, tiny: TinyModel, merged_lora: PreTrainedModel
) -> None:
    prompt, completion = [5, 6, 7, 8], [*range(30, 60), tiny.primary_eos]
    tokens = {"prompt_token_ids": prompt, "completion_token_ids": completion}
    answer = post(server, SELF_REWARD, {**tokens, "model": "tiny-lora"})
    assert answer["model"] == "tiny-lora"
    with torch.no_grad():
        logits = merged_lora(torch.tensor([prompt + completion])).logits[0, -1]
    expected = float(torch.log_softmax(logits, dim=-1)[tiny.z_c])
    found = answer["data"][0]["self_reward"]["logprob"]
    assert found == pytest.approx(expected, abs=1e-3)
    [base] = logprobs(server, **tokens)
    assert abs(base - found) > 0.01


def test_a_speculating_engine_scores_the_same(guarded_server: Server, tiny: TinyModel) -> None:
    reference = HuggingFaceReference(tiny)  # the guarded server's model has the same weights
    prompt = [3] * 20
    completions = [[number] * number + [tiny.primary_eos] for number in range(40)]
    expected = [reference.logprob(prompt, completion) for completion in completions]
    body = {"prompt_token_ids": prompt, "completion_token_ids": completions}
    data = post(guarded_server, SELF_REWARD, body)["data"]
    found = [item["self_reward"]["logprob"] for item in data]
    assert found == pytest.approx(expected, abs=1e-3)
    assert data[0]["self_reward"]["checkpoint"] == "tiny-with-manifest"


def test_both_routes_ask_for_the_key(guarded_server: Server) -> None:
    for path in (SELF_REWARD, RERANK):
        assert httpx.post(guarded_server.base_url + path, json=CONTROL).status_code == 401


def test_what_fits_the_context_is_scored_and_one_token_more_is_refused(
    server: Server, guarded_server: Server
) -> None:
    for each, room in ((server, 512 - 1), (guarded_server, 512 - 2)):
        prompt, completion = [7] * 200, [9] * (room - 201) + [EOS]
        logprobs(each, prompt_token_ids=prompt, completion_token_ids=completion)
        body = {"prompt_token_ids": prompt, "completion_token_ids": [[EOS], [9, *completion]]}
        answer = each.http.post(SELF_REWARD, json=body)
        assert answer.status_code == 400
        message = answer.json()["error"]["message"]
        assert f"completion_token_ids[1] has {room - 199} tokens" in message
        assert f"leaves room for {room - 200}" in message


PROMPT = {"prompt": "x"}
TEXT = {"prompt": "x", "completion": "a"}
IDS = {"prompt_token_ids": [1, 2], "completion_token_ids": [5, EOS]}
QUERY = {"query": "x", "documents": ["a", "b"]}


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        (RERANK, QUERY | {"documents": []}, 400, "documents"),
        (RERANK, {"documents": ["a"]}, 400, "query"),
        (RERANK, QUERY | {"messages": MESSAGES}, 400, "query and messages"),
        (RERANK, QUERY | {"top_n": 0}, 400, "top_n"),
        (RERANK, QUERY | {"top_n": 2**70}, 200, ""),
        (RERANK, QUERY | {"documents": [1]}, 400, "documents"),
        (RERANK, QUERY | {"documents": "a"}, 400, "documents"),
        (RERANK, QUERY | {"documents": {"text": "a"}}, 400, "documents"),
        (RERANK, QUERY | {"documents": ["a", "b" * 600]}, 400, "documents[1]"),
        (RERANK, QUERY | {"query": "b" * 600}, 400, "512"),
        (RERANK, QUERY | {"documents": ["a<|vision_start|>"]}, 400, "documents[0]"),
        (RERANK, QUERY | {"documents": ["a<|im_end|>b"]}, 400, "documents[0]"),
        (RERANK, QUERY | {"documents": ["a", "\ud800"]}, 400, "documents.1"),
        (RERANK, QUERY | {"model": "no-such-model"}, 404, "no-such-model"),
        (RERANK, QUERY | {"model": 5}, 400, "model"),
        (RERANK, QUERY | {"instruction": "be kind"}, 400, "instruction"),
        (RERANK, QUERY | {"documents": ["ab c" * 2_500_000]}, 413, "--max-request-bytes"),
        (RERANK, QUERY | {"documents": ["a" * 900_000]}, 400, "documents[0] has 900000 characters"),
        (RERANK, QUERY | {"documents": ["a"] * 1025}, 400, "1024"),
        (SELF_REWARD, TEXT | {"messages": MESSAGES}, 400, "messages and prompt"),
        (SELF_REWARD, TEXT | {"prompt": ["x"]}, 400, "prompt"),
        (SELF_REWARD, TEXT | {"prompt": ""}, 400, "prompt"),
        (SELF_REWARD, TEXT | {"completion": []}, 400, "completion"),
        (SELF_REWARD, TEXT | {"completion": [["a"]]}, 400, "completion"),
        (SELF_REWARD, TEXT | {"completion": "a<|vision_start|>"}, 400, "<|vision_start|>"),
        (SELF_REWARD, TEXT | {"completion": "<|im_end|><|im_end|>"}, 400, "<|im_end|>"),
        (SELF_REWARD, TEXT | {"completion": "b" * 600}, 400, "completion[0] has 601 tokens"),
        (SELF_REWARD, TEXT | {"prompt": "b" * 600}, 400, "512"),
        (SELF_REWARD, TEXT | {"max_tokens": 5}, 400, "max_tokens"),
        (SELF_REWARD, TEXT | {"priority": 2**70}, 400, "priority"),
        (SELF_REWARD, TEXT | {"cache_salt": "\ud800"}, 400, "cache_salt"),
        (SELF_REWARD, TEXT | {"model": "no-such-model"}, 404, "no-such-model"),
        (SELF_REWARD, {"messages": [{"role": "user"}], "completion": 5}, 400, "completion"),
        (SELF_REWARD, {"messages": [5], "completion": "a"}, 400, "messages"),
        (SELF_REWARD, IDS | {"completion_token_ids": [5]}, 400, "must end with an EOS"),
        (SELF_REWARD, IDS | {"completion_token_ids": [384, EOS]}, 400, "384"),
        (SELF_REWARD, IDS | {"completion_token_ids": [-1, EOS]}, 400, "-1"),
        (SELF_REWARD, IDS | {"completion_token_ids": [2**70, EOS]}, 400, "no token"),
        (SELF_REWARD, IDS | {"completion_token_ids": [1.0, EOS]}, 400, "valid integer"),
        (SELF_REWARD, IDS | {"completion_token_ids": [True, EOS]}, 400, "valid integer"),
        (SELF_REWARD, IDS | {"completion_token_ids": [True] * 100_000}, 400, "valid integer"),
        (SELF_REWARD, IDS | {"prompt_token_ids": [384]}, 400, "prompt_token_ids"),
        (SELF_REWARD, IDS | {"prompt_token_ids": []}, 400, "prompt_token_ids"),
    ],
)
def test_bad_input_is_refused_by_name_and_harms_nothing(
    server: Server, path: str, body: dict[str, Any], status: int, named: str
) -> None:
    before = logprobs(server, **CONTROL)
    content = json.dumps({"model": "tiny", **body})  # httpx does not encode a lone surrogate
    headers = {"content-type": "application/json"}
    answer = server.http.post(path, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    if status != 200:
        error = answer.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["code"] == status
        assert named in f"{error['message']} {error['param']}"
        assert len(answer.text) < 2000
    assert logprobs(server, **CONTROL) == pytest.approx(before, abs=TOLERANCE)


@pytest.mark.parametrize("priority", ["99999999999999999999", "x", "-3"])
def test_a_header_cannot_break_the_engine(server: Server, priority: str) -> None:
    headers = {
        b"x-vllm-priority": priority.encode(),
        b"x-request-id": "é".encode("latin-1") * 300,
        b"traceparent": b"x",
    }
    answer = server.http.post(SELF_REWARD, json=CONTROL, headers=headers)
    assert answer.status_code == (400 if len(priority) > 9 else 200), answer.text
    logprobs(server, **CONTROL)


def test_a_thousand_completions_at_once_from_many_clients(server: Server) -> None:
    texts = [f"It is {number}." for number in range(1024)]

    def ask(_: int) -> list[float]:
        return logprobs(server, messages=MESSAGES, completion=texts)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert first == pytest.approx(second, abs=TOLERANCE)
    alone = logprobs(server, messages=MESSAGES, completion=texts[777])
    assert alone == pytest.approx([first[777]], abs=TOLERANCE)


def test_a_client_that_disconnects_frees_its_memory(server: Server) -> None:
    documents = [f"{number:03}" * 140 for number in range(900)]
    with pytest.raises(httpx.ReadTimeout):
        server.http.post(
            RERANK, json={"model": "tiny", "query": "x", "documents": documents}, timeout=1.0
        )
    for _ in range(100):
        busy = server.metric("vllm:num_requests_running") + server.metric(
            "vllm:num_requests_waiting"
        )
        if not busy:
            break
        time.sleep(0.1)
    assert busy == 0
    assert server.metric("vllm:kv_cache_usage_perc") == 0


def test_each_given_text_is_counted(server: Server) -> None:
    names = ("laserve_self_reward_score_count", "laserve_generations_total")
    before = [server.metric(name) for name in names]
    overhead = server.metric("laserve_overhead_tokens_total", method="post_hoc")
    logprobs(server, **CONTROL)
    assert [server.metric(name) for name in names] == [count + 2 for count in before]
    assert server.metric("laserve_overhead_tokens_total", method="post_hoc") == overhead + 2


def test_the_openapi_document_shows_both_routes(server: Server) -> None:
    paths = server.http.get("/openapi.json").json()["paths"]
    assert {SELF_REWARD, RERANK} <= paths.keys()
