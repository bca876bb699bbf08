"""The official clients get their answers as ever, and the scores beside them."""

import math
from typing import Any

import anthropic
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from tests.e2e.server import Server
from tests.tiny_model import TinyModel

MESSAGES: list[Any] = [{"role": "user", "content": "What is 12 + 7?"}]
ENDS_OF_A_RESPONSE = ("response.completed", "response.incomplete")
REWARD_KEYS = {
    *("score", "logprob", "confidence", "status", "method"),
    *("checkpoint", "checkpoint_version", "weights"),
}


@pytest.fixture(scope="module")
def model(tiny: TinyModel) -> PreTrainedModel:
    """The reference."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny.path, dtype=torch.float32)
    model.eval()
    return model


def logprob_of_z_c(model: PreTrainedModel, tiny: TinyModel, token_ids: list[int]) -> float:
    """log p(z_c | token_ids), nats, by Hugging Face."""
    with torch.no_grad():
        logits = model(torch.tensor([token_ids])).logits[0, -1]
    return float(torch.log_softmax(logits, -1)[tiny.z_c])


def check(reward: dict[str, Any], expected_logprob: float, method: str = "in_flight") -> None:
    """A scored reward with the right numbers."""
    assert reward.keys() == REWARD_KEYS
    assert (reward["status"], reward["method"]) == ("scored", method)
    assert reward["checkpoint"] == "tiny"
    assert reward["confidence"] is None
    assert reward["logprob"] == pytest.approx(expected_logprob, abs=1e-3)
    assert reward["score"] == pytest.approx(0.1 * (expected_logprob + 18.0), abs=1e-4)


def test_a_chat_completion_carries_the_reference_score(
    server: Server, tiny: TinyModel, model: PreTrainedModel
) -> None:
    answer = server.client.chat.completions.create(
        model=server.model,
        messages=MESSAGES,
        n=8,
        seed=1,
        max_tokens=200,
        extra_body={"return_token_ids": True},
    )
    assert answer.model_extra is not None
    prompt = answer.model_extra["prompt_token_ids"]
    scored = 0
    for choice in answer.choices:
        assert choice.model_extra is not None
        reward = choice.model_extra["self_reward"]
        if choice.finish_reason == "stop":
            scored += 1
            tokens = prompt + choice.model_extra["token_ids"]
            check(reward, logprob_of_z_c(model, tiny, tokens))
        else:
            assert (reward["status"], reward["score"]) == ("truncated", None)
    assert scored >= 4
    assert answer.usage is not None
    assert answer.usage.completion_tokens == sum(
        len((choice.model_extra or {})["token_ids"]) for choice in answer.choices
    )


async def test_an_asynchronous_stream_carries_the_score_on_the_final_chunk(
    server: Server, tiny: TinyModel, model: PreTrainedModel
) -> None:
    prompt: list[int] = []
    tokens: dict[int, list[int]] = {}
    rewards: dict[int, dict[str, Any]] = {}
    async with server.async_client() as client:
        stream = await client.chat.completions.create(
            model=server.model,
            messages=MESSAGES,
            n=3,
            seed=1,
            max_tokens=200,
            stream=True,
            extra_body={"return_token_ids": True},
        )
        async for chunk in stream:
            prompt = (chunk.model_extra or {}).get("prompt_token_ids") or prompt
            for choice in chunk.choices:
                extra = choice.model_extra or {}
                tokens.setdefault(choice.index, []).extend(extra.get("token_ids") or [])
                assert ("self_reward" in extra) == (choice.finish_reason is not None)
                if choice.finish_reason == "stop":
                    rewards[choice.index] = extra["self_reward"]
    assert rewards
    for index, reward in rewards.items():
        check(reward, logprob_of_z_c(model, tiny, prompt + tokens[index]))


@pytest.mark.parametrize("stream", [False, True])
def test_completions_of_several_prompts_keep_their_own_scores(
    server: Server, tiny: TinyModel, model: PreTrainedModel, stream: bool
) -> None:
    prompts = [[1, 2, 3], [40, 41], [99, 98, 97, 96]]
    answer: Any = server.client.completions.create(
        model=server.model,
        prompt=prompts,
        n=2,
        seed=5,
        max_tokens=200,
        stream=stream,
        extra_body={"return_token_ids": True},
    )
    tokens: dict[int, list[int]] = {}
    rewards: dict[int, dict[str, Any]] = {}
    for part in answer if stream else [answer]:
        for choice in part.choices:
            extra = choice.model_extra or {}
            tokens.setdefault(choice.index, []).extend(extra.get("token_ids") or [])
            if choice.finish_reason == "stop":
                rewards[choice.index] = extra["self_reward"]
    assert len(rewards) >= 4
    for index, reward in rewards.items():
        check(reward, logprob_of_z_c(model, tiny, prompts[index // 2] + tokens[index]))


def test_the_score_is_in_the_headers_too(server: Server) -> None:
    raw = server.client.chat.completions.with_raw_response.create(
        model=server.model, messages=MESSAGES, seed=3, max_tokens=400
    )
    reward = (raw.parse().choices[0].model_extra or {})["self_reward"]
    assert reward["status"] == "scored"
    assert math.isclose(float(raw.headers["x-laserve-score"]), reward["score"])
    assert raw.headers["x-laserve-checkpoint"] == "tiny"
    assert "x-laserve-confidence" not in raw.headers


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_of_the_responses_api_is_scored(server: Server, stream: bool) -> None:
    answer: Any = server.client.responses.create(
        model=server.model, input="What is 12 + 7?", max_output_tokens=400, stream=stream
    )
    if stream:
        answer = next(event.response for event in list(answer) if event.type in ENDS_OF_A_RESPONSE)
    reward = answer.model_extra["self_reward"]
    assert reward["status"] in ("scored", "truncated")
    assert (reward["score"] is not None) == (reward["status"] == "scored")


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_of_anthropics_client_is_scored(server: Server, stream: bool) -> None:
    arguments: dict[str, Any] = {"model": server.model, "max_tokens": 400, "messages": MESSAGES}
    with anthropic.Anthropic(base_url=server.base_url, api_key="any", max_retries=0) as client:
        if stream:
            events = list(client.messages.create(**arguments, stream=True))
            final = next(event for event in events if event.type == "message_delta")
            reward = (final.model_extra or {})["self_reward"]
            stop_reason = final.delta.stop_reason
        else:
            message = client.messages.create(**arguments)
            reward = (message.model_extra or {})["self_reward"]
            stop_reason = message.stop_reason
    assert reward["status"] == ("scored" if stop_reason == "end_turn" else "truncated")


def test_anthropics_client_gets_its_own_errors(server: Server, guarded_server: Server) -> None:
    arguments: dict[str, Any] = {"model": server.model, "max_tokens": 5, "messages": MESSAGES}

    def refused(by: Server, key: str = "any", **changes: Any) -> tuple[int, str | None]:
        with (
            anthropic.Anthropic(base_url=by.base_url, api_key=key, max_retries=0) as client,
            pytest.raises(anthropic.APIStatusError) as caught,
        ):
            client.messages.create(**{**arguments, **changes})
        body: Any = caught.value.body
        assert body.keys() == {"type", "error"}
        assert body["type"] == "error"
        return caught.value.status_code, caught.value.type

    assert refused(guarded_server, "wrong") == (401, "authentication_error")
    assert refused(server, model="no-such-model") == (404, "not_found_error")
    assert refused(server, extra_body={"temperature": "x"}) == (400, "invalid_request_error")
    assert refused(server, extra_body={"selection": {}}) == (400, "invalid_request_error")
    many = [{"role": "user", "content": "x" * 2_000_000}]
    assert refused(server, messages=many) == (413, "request_too_large")


def test_a_tool_call_is_scored(server: Server) -> None:
    tool: Any = {
        "type": "function",
        "function": {
            "name": "add",
            "parameters": {
                "type": "object",
                "properties": {"a": {"enum": [1, 2]}, "b": {"enum": [1, 2]}},
                "required": ["a", "b"],
                "additionalProperties": False,
            },
        },
    }
    answer = server.client.chat.completions.create(
        model=server.model,
        messages=MESSAGES,
        tools=[tool],
        tool_choice={"type": "function", "function": {"name": "add"}},
        max_tokens=300,
        seed=4,
    )
    choice = answer.choices[0]
    assert choice.message.tool_calls
    reward = (choice.model_extra or {})["self_reward"]
    assert reward["status"] in ("scored", "truncated")
    if choice.finish_reason != "length":
        assert (reward["status"], reward["method"]) == ("scored", "in_flight")


def test_a_lora_request_is_scored_by_its_own_weights(
    server: Server, tiny: TinyModel, model: PreTrainedModel, merged_lora: PreTrainedModel
) -> None:
    for name, reference in (("tiny-lora", merged_lora), (server.model, model)):
        answer = server.client.completions.create(
            model=name,
            prompt=[1, 2, 3],
            max_tokens=300,
            seed=6,
            extra_body={"return_token_ids": True},
        )
        extra = answer.choices[0].model_extra or {}
        assert answer.choices[0].finish_reason == "stop"
        tokens = [1, 2, 3, *extra["token_ids"]]
        check(extra["self_reward"], logprob_of_z_c(reference, tiny, tokens))


def test_a_prompt_as_text_is_scored_like_its_token_ids(
    server: Server, tiny: TinyModel, model: PreTrainedModel
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    answer = server.client.completions.create(
        model=server.model,
        prompt="Hello",
        max_tokens=300,
        seed=8,
        extra_body={"return_token_ids": True},
    )
    extra = answer.choices[0].model_extra or {}
    assert answer.choices[0].finish_reason == "stop"
    tokens = tokenizer("Hello").input_ids + extra["token_ids"]
    check(extra["self_reward"], logprob_of_z_c(model, tiny, tokens))
