"""What is refused before the engine is asked, and what is not."""

from typing import Any

import pytest

from laserve.api.generating.schemas import MAX_SEQUENCES
from tests.unit.api.given.stand_ins import (
    EOS,
    MAX_MODEL_LEN,
    OTHER_EOS,
    QUERY,
    RERANK,
    RERANKS,
    SELF_REWARD,
    TEXT,
    TOOL,
    USER,
    Z_C,
    Server,
)
from tests.unit.serving.fake_serving import model_not_found

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            SELF_REWARD,
            {
                **dict.fromkeys(("model", "messages", "prompt_token_ids", "tools", "tool_choice")),
                **dict.fromkeys(("reasoning_effort", "chat_template_kwargs", "cache_salt")),
                **dict.fromkeys(("priority", "completion_token_ids")),
                "prompt": "x",
                "completion": "a",
            },
        ),
        *(
            (
                path,
                {
                    **dict.fromkeys(("model", "messages", "tools", "tool_choice", "cache_salt")),
                    **dict.fromkeys(("priority", "top_n", "return_documents")),
                    **dict.fromkeys(("max_tokens_per_doc", "max_chunks_per_doc", "rank_fields")),
                    "query": "x",
                    "documents": ["a"],
                },
            )
            for path in RERANKS
        ),
    ],
)
async def test_null_is_not_given(server: Server, path: str, body: dict[str, Any]) -> None:
    answer = await server.post(path, body)
    assert answer.status_code == 200, answer.text
    given = {name: value for name, value in body.items() if value is not None}
    assert answer.json() == (await server.post(path, given)).json()


@pytest.mark.parametrize("path", RERANKS)
async def test_null_where_something_is_needed_is_refused(server: Server, path: str) -> None:
    error = await server.refused(path, {"query": "x", "documents": None})
    assert error["param"] == "body.documents"
    error = await server.refused(path, {"query": None, "documents": ["a"]})
    assert "exactly one of query, messages" in error["message"]


@pytest.mark.parametrize(
    ("path", "body", "param", "named"),
    [
        (SELF_REWARD, {"completion": "a"}, "messages", "exactly one"),
        (SELF_REWARD, {"prompt": "x"}, "completion", "exactly one"),
        (SELF_REWARD, TEXT | {"messages": [USER]}, "messages", "messages and prompt"),
        (SELF_REWARD, TEXT | {"prompt_token_ids": [1]}, "messages", "prompt and prompt_token_ids"),
        (SELF_REWARD, TEXT | {"completion_token_ids": [EOS]}, "completion", "both"),
        (SELF_REWARD, TEXT | {"tools": [TOOL]}, "tools", "messages only"),
        (SELF_REWARD, TEXT | {"prompt": ""}, "prompt", "non-empty"),
        (SELF_REWARD, TEXT | {"prompt": 1}, "body.prompt", "valid string"),
        (SELF_REWARD, TEXT | {"completion": []}, "body.completion", "at least 1"),
        (SELF_REWARD, TEXT | {"completion": None}, "completion", "exactly one"),
        (SELF_REWARD, TEXT | {"completion": ["a", 1]}, "body.completion.1", "valid string"),
        (SELF_REWARD, TEXT | {"completion": ["\ud800"]}, "body.completion.0", "unicode"),
        (SELF_REWARD, TEXT | {"completion": {"text": "a"}}, "body.completion", "valid list"),
        (
            SELF_REWARD,
            TEXT | {"completion": ["a"] * (MAX_SEQUENCES + 1)},
            "body.completion",
            f"at most {MAX_SEQUENCES}",
        ),
        (SELF_REWARD, TEXT | {"n": 2}, "body.n", "Extra inputs are not permitted"),
        (SELF_REWARD, TEXT | {"priority": "1"}, "body.priority", "valid integer"),
        (SELF_REWARD, TEXT | {"priority": 2**70}, "body.priority", "less than"),
        (SELF_REWARD, TEXT | {"cache_salt": ""}, None, "cache_salt"),
        (SELF_REWARD, {"messages": "x", "completion": "a"}, "body.messages", "valid list"),
        (SELF_REWARD, {"messages": [{"role": 1}], "completion": "a"}, None, "role"),
        (SELF_REWARD, {"messages": [USER], "completion": "a", "tools": []}, None, "tools"),
        (SELF_REWARD, [], "body", "dictionary"),
        (RERANK, {"documents": ["a"]}, "query", "none of them"),
        (RERANK, QUERY | {"messages": [USER]}, "query", "query and messages"),
        (RERANK, {"query": "x"}, "body.documents", "required"),
        (RERANK, QUERY | {"query": "\ud800"}, "body.query", "unicode"),
        (RERANK, QUERY | {"query": 5}, "body.query", "valid string"),
        (RERANK, QUERY | {"documents": []}, "body.documents", "at least 1"),
        (RERANK, QUERY | {"documents": "a"}, "body.documents", "valid list"),
        (RERANK, QUERY | {"documents": ["a", 1]}, "body.documents.1", "dictionary"),
        (RERANK, QUERY | {"documents": [{"title": "a"}]}, "body.documents.0.text", "required"),
        (
            RERANK,
            QUERY | {"documents": [{"text": "a", "title": "a"}]},
            "body.documents.0.title",
            "Extra inputs are not permitted",
        ),
        (RERANK, QUERY | {"documents": ["a"] * 1025}, "body.documents", "at most 1024"),
        (RERANK, QUERY | {"top_n": 0}, "body.top_n", "greater than or equal to 1"),
        (RERANK, QUERY | {"top_n": 1.0}, "body.top_n", "valid integer"),
        (RERANK, QUERY | {"return_documents": "yes"}, "body.return_documents", "valid boolean"),
        (RERANK, QUERY | {"max_tokens_per_doc": 9}, "body.max_tokens_per_doc", "Extra inputs"),
    ],
)
async def test_bad_input_is_refused_by_name(
    server: Server, path: str, body: object, param: str | None, named: str
) -> None:
    error = await server.refused(path, body)
    assert named in f"{error['message']} {error['param']}"
    if param is not None:
        assert error["param"] == param


@pytest.mark.parametrize(
    ("tokens", "fault"),
    [
        ([], "at least 1 item"),
        ([[]], "at least 1 item"),
        ([5, 6], "completion_token_ids[0] must end with an EOS, one of [256, 257]"),
        ([[EOS], [5]], "completion_token_ids[1] must end with an EOS"),
        ([[EOS], [EOS, 5, EOS]], "completion_token_ids[1] contains the EOS '<|im_end|>' (id 256)"),
        ([OTHER_EOS, EOS], "contains the EOS '<|endoftext|>' (id 257) before its end"),
        ([[EOS], [Z_C, EOS]], "[1] contains the score token '<|vision_start|>' (id 259)"),
        ([-1, EOS], "completion_token_ids[0] holds -1, which is no token: ids are from 0 to 383"),
        ([384, EOS], "completion_token_ids[0] holds 384, which is no token"),
        ([2**70, EOS], "which is no token"),
        ([True, EOS], "valid integer"),
        ([1.0, EOS], "valid integer"),
        (["1", EOS], "valid integer"),
        ([None, EOS], "valid integer"),
        ([[5, [6]], [EOS]], "valid integer"),
        ("5", "valid list"),
        ([5] * MAX_MODEL_LEN + [EOS], "has 65 tokens with its EOS"),
    ],
)
async def test_token_ids_that_cannot_be_scored_are_refused(
    server: Server, tokens: object, fault: str
) -> None:
    body = {"prompt_token_ids": [1], "completion_token_ids": tokens}
    assert fault in (await server.refused(SELF_REWARD, body))["message"]


@pytest.mark.parametrize("prompt", [[], [384], [-1], [True], [1.5], [[1]], "1"])
async def test_prompt_token_ids_that_are_none_are_refused(server: Server, prompt: object) -> None:
    body = {"prompt_token_ids": prompt, "completion_token_ids": [EOS]}
    error = await server.refused(SELF_REWARD, body)
    assert "prompt_token_ids" in error["param"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a<|im_end|>b", "contains the EOS '<|im_end|>' (id 256) before its end"),
        ("<|endoftext|><|im_end|>", "contains the EOS '<|endoftext|>' (id 257) before its end"),
        ("a<|vision_start|>", "contains the score token '<|vision_start|>' (id 259)"),
    ],
)
@pytest.mark.parametrize("path", [SELF_REWARD, RERANK])
async def test_text_that_holds_a_special_token_is_refused(
    server: Server, path: str, text: str, fault: str
) -> None:
    field, body = (
        ("documents", {"query": "x"}) if path == RERANK else ("completion", {"prompt": "x"})
    )
    error = await server.refused(path, body | {field: ["a", text]})
    assert f"{field}[1] {fault}" in error["message"]
    assert error["param"] == f"{field}[1]"


async def test_all_of_the_context_can_be_used_and_no_token_more(server: Server) -> None:
    room = MAX_MODEL_LEN - 3 - 1  # the prompt, and the place where the score is read
    body = {"prompt": "abc", "completion": ["a" * (room - 1), "b" * room]}
    error = await server.refused(SELF_REWARD, body)
    assert f"completion[1] has {room + 1} tokens with its EOS" in error["message"]
    assert f"a prompt of 3 tokens leaves room for {room}" in error["message"]
    answer = await server.post(SELF_REWARD, body | {"completion": "a" * (room - 1)})
    assert answer.status_code == 200, answer.text


async def test_a_prompt_without_room_for_an_answer_is_refused(server: Server) -> None:
    body = {"prompt": "a" * MAX_MODEL_LEN, "completion": ""}
    assert "completion[0]" in (await server.refused(SELF_REWARD, body))["message"]


@pytest.mark.parametrize("path", [SELF_REWARD, RERANK])
async def test_a_prompt_that_becomes_no_token_is_refused(server: Server, path: str) -> None:
    server.chat.renders_nothing = server.completion.renders_nothing = True
    error = await server.refused(path, TEXT if path == SELF_REWARD else QUERY)
    assert "the prompt has no token" in error["message"]


async def test_megabytes_are_refused_before_they_are_tokenised(server: Server) -> None:
    error = await server.refused(RERANK, {"query": "x", "documents": ["a", "b" * 10_000_000]})
    assert "documents[1] has 10000000 characters" in error["message"]
    assert server.engine.renderer.tokenised == []


async def test_vllms_refusal_of_the_prompt_is_answered(server: Server) -> None:
    server.chat.error = server.completion.error = model_not_found()
    for path, body in (
        (SELF_REWARD, TEXT),
        (SELF_REWARD, {"messages": [USER], "completion": ""}),
        (RERANK, QUERY),
    ):
        answer = await server.post(path, body)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "The model `other` does not exist."


@pytest.mark.parametrize("path", [SELF_REWARD, RERANK])
async def test_a_model_without_the_api_says_so(server: Server, path: str) -> None:
    server.app.state.openai_serving_chat = server.app.state.openai_serving_completion = None
    answer = await server.post(path, TEXT if path == SELF_REWARD else QUERY)
    assert answer.status_code == answer.json()["error"]["code"] == 501


@pytest.mark.parametrize("path", [SELF_REWARD, RERANK])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}"])
async def test_a_broken_body_is_a_400(server: Server, path: str, content: bytes) -> None:
    answer = await server.post_bytes(path, content)
    assert answer.status_code == answer.json()["error"]["code"] == 400
