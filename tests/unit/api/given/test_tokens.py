"""Which tokens of a request are scored, and what the answer says of them."""

from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

from laserve.api.given.tokens import CompletionTokens
from laserve.errors import RequestError
from laserve.scoring.scored_engine import ScoredEngine
from tests.unit.api.given.stand_ins import (
    ASSISTANT,
    EOS,
    MAX_MODEL_LEN,
    OTHER_EOS,
    PARAMETERS,
    RERANK,
    SELF_REWARD,
    TOOL,
    USER,
    Server,
    ids,
    reward,
)

pytestmark = pytest.mark.asyncio


async def test_a_conversation_is_followed_by_the_text_and_the_eos(server: Server) -> None:
    body = {"model": "tiny", "messages": [USER], "completion": ["2", "two"]}
    answer = await server.post(SELF_REWARD, body)
    assert answer.status_code == 200, answer.text
    prompt = ids(server, "1 + 1?" + ASSISTANT)
    assert list(server.engine.asked.values()) == [
        (prompt, [*ids(server, "2"), EOS]),
        (prompt, [*ids(server, "two"), EOS]),
    ]
    total = 2 * len(prompt) + 2 + 4
    assert answer.json() == {
        "id": "reward-1",
        "object": "list",
        "model": "tiny",
        "data": [
            {"index": 0, "object": "self_reward", "self_reward": reward(2)},
            {"index": 1, "object": "self_reward", "self_reward": reward(4)},
        ],
        "prompt_form": "chat_template",
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }
    assert answer.headers["x-laserve-score"] == "0.8"
    assert answer.headers["x-laserve-method"] == "post_hoc"


async def test_one_text_is_a_list_of_one(server: Server) -> None:
    answer = await server.post(SELF_REWARD, {"prompt": "1 + 1 = ", "completion": "2"})
    assert [item["self_reward"] for item in answer.json()["data"]] == [reward(2)]
    [asked] = server.engine.asked.values()
    assert asked == (ids(server, "1 + 1 = "), [*ids(server, "2"), EOS])


@pytest.mark.parametrize("one", [[5, 6, EOS], [OTHER_EOS]])
async def test_token_ids_are_taken_as_they_are(server: Server, one: list[int]) -> None:
    prompt = {"prompt_token_ids": [1, 4, EOS]}
    for completions in (one, [one], [one, [7, EOS]]):
        server.engine.asked.clear()
        body = prompt | {"completion_token_ids": completions}
        answer = await server.post(SELF_REWARD, body)
        assert answer.status_code == 200, answer.text
        several = completions if isinstance(completions[0], list) else [completions]
        assert list(server.engine.asked.values()) == [([1, 4, EOS], each) for each in several]


async def test_token_ids_may_answer_a_conversation_and_a_text(server: Server) -> None:
    for prompt in ({"messages": [USER]}, {"prompt": "1"}):
        answer = await server.post(SELF_REWARD, prompt | {"completion_token_ids": [5, EOS]})
        assert answer.status_code == 200, answer.text


async def test_an_empty_text_is_the_eos_alone(server: Server) -> None:
    await server.post(SELF_REWARD, {"prompt": "x", "completion": ""})
    assert server.engine.completions == [[EOS]]


@pytest.mark.parametrize(("text", "eos"), [("<|im_end|>", EOS), ("<|endoftext|>", OTHER_EOS)])
async def test_an_eos_at_the_end_of_a_text_is_not_doubled(
    server: Server, text: str, eos: int
) -> None:
    await server.post(SELF_REWARD, {"prompt": "x", "completion": ["ab" + text, text]})
    assert server.engine.completions == [[*ids(server, "ab"), eos], [eos]]


async def test_without_an_eos_in_the_tokenizer_the_generation_config_has_it(server: Server) -> None:
    server.engine.renderer.own_eos = None
    await server.post(SELF_REWARD, {"prompt": "x", "completion": ""})
    assert server.engine.completions == [[OTHER_EOS]]


@given(text=st.text(max_size=15))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_text_becomes_its_own_tokens_and_one_eos(server: Server, text: str) -> None:
    room = len(text.encode()) + 1
    engine = cast(ScoredEngine, server.engine)
    fits = CompletionTokens(engine, PARAMETERS, MAX_MODEL_LEN - 1 - room, "completion")
    assert await fits.of_texts([text]) == [[*ids(server, text), EOS]]
    tight = CompletionTokens(engine, PARAMETERS, MAX_MODEL_LEN - room, "completion")
    with pytest.raises(RequestError, match=r"^completion\[1\] has"):
        await tight.of_texts(["", text + "a"])


async def test_the_request_says_what_goes_to_the_engine(server: Server) -> None:
    body = {"model": "adapter", "prompt": "x", "completion": "a", "priority": 3}
    answer = await server.post(SELF_REWARD, body, traceparent="00-1")
    assert answer.json()["model"] == "adapter"
    assert server.engine.options == [
        {
            "lora_request": "adapter",
            "priority": 3,
            "trace_headers": {"traceparent": "00-1"},
        }
    ]


@pytest.mark.parametrize("path", [SELF_REWARD, RERANK])
async def test_the_chat_template_gets_what_it_gets_in_a_generation(
    server: Server, path: str
) -> None:
    fields = {
        "tools": [TOOL],
        "tool_choice": "none",
        "reasoning_effort": "low",
        "chat_template_kwargs": {"enable_thinking": False},
        "cache_salt": "salt",
    }
    texts = {"completion": ["a", "b"]} if path == SELF_REWARD else {"documents": ["a", "b"]}
    answer = await server.post(path, {"messages": [USER], **fields, **texts})
    assert answer.status_code == 200, answer.text
    [rendered] = server.chat.rendered
    assert isinstance(rendered, ChatCompletionRequest)
    assert rendered.messages == [USER]
    assert rendered.model_dump(include=set(fields) - {"tools"}) == {
        name: value for name, value in fields.items() if name != "tools"
    }
    assert rendered.tools is not None
    assert rendered.tools[0].function.name == "f"
    assert rendered.add_generation_prompt
    assert rendered.n == 2


@pytest.mark.parametrize(
    ("prompt", "form"),
    [
        ({"messages": [USER]}, "chat_template"),
        ({"prompt": "1 + 1?"}, "raw_text"),
        ({"prompt_token_ids": [5, 6]}, "token_ids"),
    ],
)
async def test_the_answer_says_what_the_prompt_was_taken_as(
    server: Server, prompt: dict[str, Any], form: str
) -> None:
    tokenizer: Any = server.engine.renderer.tokenizer
    assert tokenizer.chat_template  # so that raw text is not what its generations follow
    answer = (await server.post(SELF_REWARD, {**prompt, "completion": "2"})).json()
    assert answer["prompt_form"] == form
    if form == "raw_text":
        assert "without the chat template" in answer["warning"]
        assert "messages" in answer["warning"]
    else:
        assert "warning" not in answer


async def test_raw_text_needs_no_warning_where_there_is_no_template(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.engine.renderer.tokenizer, "chat_template", None)
    body = {"prompt": "x", "completion": "2"}
    answer = (await server.post(SELF_REWARD, body)).json()
    assert answer["prompt_form"] == "raw_text"
    assert "warning" not in answer
    monkeypatch.setattr(server.app.state.args, "chat_template", "{{ messages }}")
    assert "warning" in (await server.post(SELF_REWARD, body)).json()
