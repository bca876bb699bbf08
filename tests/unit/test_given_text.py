"""What /v1/self_reward and /v1/rerank make of a request: tokens, refusals, order, cancellation.

The engine is a stand-in that scores by length; tokenizer, schemas and error handlers are real.
"""

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.exceptions import VLLMValidationError
from vllm.inputs import EngineInput, TextPrompt, TokensPrompt
from vllm.inputs.engine import tokens_input
from vllm.renderers import TokenizeParams
from vllm.tokenizers import TokenizerLike, get_tokenizer

from laserve.api.given.routes import AT_ONCE
from laserve.api.given.tokens import CompletionTokens
from laserve.api.schemas import MAX_SEQUENCES
from laserve.core.score import ScoreParameters
from laserve.core.types import Method, SelfReward, Status
from laserve.errors import RequestError
from laserve.scoring.scored_engine import ScoredEngine
from laserve.serving.deployment import Deployment
from tests.tiny_model import build_tiny_model
from tests.unit.api.serving import build_app
from tests.unit.fake_deployment import bound
from tests.unit.fake_serving import model_not_found

pytestmark = pytest.mark.asyncio

SELF_REWARD, RERANK = "/v1/self_reward", "/v1/rerank"
RERANKS = [RERANK, "/v2/rerank", "/rerank"]
USER = {"role": "user", "content": "1 + 1?"}
ASSISTANT = "|assistant|"
MAX_MODEL_LEN = 64
VOCAB_SIZE = 384
EOS, OTHER_EOS, Z_C = 256, 257, 259
"""Of the tiny model."""
PARAMETERS = ScoreParameters(
    z_c=Z_C,
    eos_token_ids=frozenset({EOS, OTHER_EOS}),
    c_ref=-10.0,
    beta_v=0.1,
    threshold=0.5,
    checkpoint="org/tiny",
)


class FakeRenderer:
    def __init__(self, tokenizer: TokenizerLike) -> None:
        self.tokenizer = tokenizer
        self.tokenised: list[str] = []
        self.own_eos: int | None = tokenizer.eos_token_id

    def get_tokenizer(self) -> TokenizerLike:
        return self.tokenizer

    def get_eos_token_id(self) -> int | None:
        return self.own_eos

    async def tokenize_prompt_async(
        self, prompt: TextPrompt, params: TokenizeParams
    ) -> TokensPrompt:
        self.tokenised.append(prompt["prompt"])
        ids = self.tokenizer(prompt["prompt"], **params.get_encode_kwargs())["input_ids"]
        return TokensPrompt(prompt_token_ids=ids)


class FakeEngine:
    """Scores -1 per token: the shortest completion is the best."""

    def __init__(self, tokenizer: TokenizerLike) -> None:
        self.renderer = FakeRenderer(tokenizer)
        self.model_config = SimpleNamespace(
            max_model_len=MAX_MODEL_LEN,
            logits_processors=None,
            get_vocab_size=lambda: VOCAB_SIZE,
            try_get_generation_config=lambda: {"eos_token_id": [OTHER_EOS, EOS]},
        )
        self.vllm_config = SimpleNamespace(
            model_config=self.model_config, speculative_config=None, use_v2_model_runner=False
        )
        self.asked: dict[str, tuple[list[int], list[int]]] = {}
        self.options: list[dict[str, Any]] = []
        self.unscored: dict[int, Status] = {}
        """By length."""
        self.error: Exception | None = None
        self.holds = False
        """Whether no score is ever found."""
        self.three_run, self.none_runs = asyncio.Event(), asyncio.Event()
        self.running = self.most_at_once = self.cancelled = 0

    async def score(
        self, prompt: Any, completion_token_ids: list[int], request_id: str, **options: Any
    ) -> SelfReward:
        self.asked[request_id] = (prompt["prompt_token_ids"], completion_token_ids)
        self.options.append(options)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await asyncio.sleep(0)
            if self.error is not None and len(self.asked) > 2:
                raise self.error
            if self.running == 3:
                self.three_run.set()
            if self.holds:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
            if not self.running:
                self.none_runs.set()
        status = self.unscored.get(len(completion_token_ids))
        if status is not None:
            return PARAMETERS.unscored(status, Method.POST_HOC)
        return PARAMETERS.reward(float(-len(completion_token_ids)), Method.POST_HOC)

    @property
    def completions(self) -> list[list[int]]:
        return [completion for _, completion in self.asked.values()]


class FakeServing:
    """The parts of vLLM's serving objects that render a prompt."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine_client = engine
        self.model_config = engine.model_config
        self.models = SimpleNamespace(model_name=lambda adapter: adapter or "tiny")
        self.rendered: list[ChatCompletionRequest | CompletionRequest] = []
        self.error: ErrorResponse | None = None
        self.renders_nothing = False

    async def render_chat_request(
        self, request: ChatCompletionRequest
    ) -> tuple[list[Any], list[EngineInput]] | ErrorResponse:
        self.rendered.append(request)
        text = "".join(str(message["content"]) for message in request.messages)
        return self.error or ([], [self._tokens(text + ASSISTANT)])

    async def render_completion_request(
        self, request: CompletionRequest
    ) -> list[EngineInput] | ErrorResponse:
        self.rendered.append(request)
        return self.error or [self._tokens(request.prompt)]

    def _tokens(self, prompt: Any) -> EngineInput:
        tokenizer = self.engine_client.renderer.tokenizer
        tokens = tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else prompt
        return tokens_input([] if self.renders_nothing else tokens)

    def _maybe_get_adapters(self, request: Any, **_: bool) -> str | None:
        return "adapter" if request.model == "adapter" else None

    def _get_priority(self, request: Any, raw_request: Any) -> int:
        return int(request.priority)

    async def _get_trace_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {"traceparent": headers.get("traceparent", "")}

    def _base_request_id(self, raw_request: Any) -> str:
        return "1"


class Server:
    def __init__(self, app: FastAPI, tokenizer: TokenizerLike) -> None:
        self.app = app
        self.engine = FakeEngine(tokenizer)
        self.chat = FakeServing(self.engine)
        self.completion = FakeServing(self.engine)
        engine: Any = self.engine
        deployment = Deployment(1, engine, PARAMETERS, lambda reward, tokens: None)
        deployment.scored = engine
        bound(app, deployment)
        app.state.openai_serving_chat = self.chat
        app.state.openai_serving_completion = self.completion

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.post_bytes(path, json.dumps(body).encode(), **headers)

    async def post_bytes(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        headers = {"content-type": "application/json", **headers}
        async with httpx.AsyncClient(transport=transport, base_url="http://laserve") as client:
            return await client.post(path, content=body, headers=headers)

    async def refused(self, path: str, body: object) -> dict[str, Any]:
        """The error of a request that must be refused before the engine is asked."""
        answer = await self.post(path, body)
        assert answer.status_code == 400, answer.text
        error: dict[str, Any] = answer.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert not self.engine.asked
        return error


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app()


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TokenizerLike:
    """One token for each byte, and the special ones."""
    model = build_tiny_model(tmp_path_factory.mktemp("tiny"))
    assert (model.primary_eos, model.secondary_eos, model.z_c) == (EOS, OTHER_EOS, Z_C)
    return get_tokenizer(str(model.path))


@pytest.fixture
def server(app: FastAPI, tokenizer: TokenizerLike) -> Server:
    return Server(app, tokenizer)


def ids(server: Server, text: str) -> list[int]:
    return list(server.engine.renderer.tokenizer(text)["input_ids"])


def reward(tokens: int) -> dict[str, Any]:
    """Of a completion of so many tokens."""
    return PARAMETERS.reward(float(-tokens), Method.POST_HOC).model_dump(mode="json")


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


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


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


async def test_every_rerank_route_answers_alike(server: Server) -> None:
    body = {"model": None, "query": "x", "documents": ["ccc", "a", {"text": "bb"}], "top_n": 2}
    answers = [(await server.post(path, body)).json() for path in RERANKS]
    assert answers[0] == answers[1] == answers[2]
    assert [result["index"] for result in answers[0]["results"]] == [1, 2]


async def test_documents_come_best_first_and_without_score_last(server: Server) -> None:
    server.engine.unscored = {6: Status.ABORTED}  # "aborted" by its length
    documents = ["four", {"text": "two"}, "abort", "4444", "", "hadit"]
    answer = await server.post(RERANK, {"query": "1 + 1?", "documents": documents})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    prompt = ids(server, "1 + 1?" + ASSISTANT)
    assert {tuple(asked) for asked, _ in server.engine.asked.values()} == {tuple(prompt)}
    assert [result["index"] for result in body["results"]] == [4, 1, 0, 3, 2, 5]
    assert [result["document"] for result in body["results"]] == [
        {"text": text} for text in ("", "two", "four", "4444", "abort", "hadit")
    ]
    assert body["results"][0]["self_reward"] == reward(1)
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == [reward(n)["score"] for n in (1, 4, 5, 5)] + [None, None]
    assert body["results"][-1]["self_reward"]["status"] == "aborted"
    read = 6 * len(prompt) + 1 + 4 + 5 + 5 + 6 + 6
    assert body["id"] == "rerank-1"
    assert body["usage"] == {"total_tokens": read}
    assert answer.headers["x-laserve-score"] == str(reward(1)["score"])


@pytest.mark.parametrize(
    ("top_n", "left"), [(1, [1]), (2, [1, 2]), (9, [1, 2, 0]), (None, [1, 2, 0])]
)
async def test_top_n_cuts_after_sorting(server: Server, top_n: int | None, left: list[int]) -> None:
    body = {"query": "x", "documents": ["ccc", "a", "bb"], "top_n": top_n}
    answer = await server.post(RERANK, body)
    assert [result["index"] for result in answer.json()["results"]] == left


async def test_documents_are_left_out_on_request(server: Server) -> None:
    body = {"query": "x", "documents": ["a"], "return_documents": False}
    [result] = (await server.post(RERANK, body)).json()["results"]
    assert result.keys() == {"index", "relevance_score", "self_reward"}


TEXT = {"prompt": "x", "completion": "a"}
QUERY = {"query": "x", "documents": ["a"]}


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


async def test_the_completions_are_scored_at_once_but_not_without_bound(server: Server) -> None:
    for count, at_once in ((10, 10), (MAX_SEQUENCES, AT_ONCE)):
        server.engine.most_at_once = 0
        body = {"prompt": "x", "completion": [str(index) for index in range(count)]}
        answer = await server.post(SELF_REWARD, body)
        assert [item["index"] for item in answer.json()["data"]] == list(range(count))
        assert server.engine.most_at_once == at_once
        assert server.completion.rendered[-1].n == at_once


async def test_one_failure_cancels_the_rest_and_is_answered_as_itself(server: Server) -> None:
    server.engine.holds = True
    server.engine.error = VLLMValidationError("no such priority", parameter="priority")
    answer = await server.post(SELF_REWARD, TEXT | {"completion": ["a", "b", "c", "d"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "priority"
    assert server.engine.running == 0


async def test_a_client_that_disconnects_cancels_all(server: Server) -> None:
    server.engine.holds = True
    body = json.dumps(TEXT | {"completion": ["a", "b", "c"]}).encode()
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": body})

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": SELF_REWARD,
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
        "app": server.app,
    }
    request = asyncio.create_task(server.app(scope, messages.get, send))
    await server.engine.three_run.wait()
    messages.put_nowait({"type": "http.disconnect"})
    await request
    await server.engine.none_runs.wait()
    assert server.engine.cancelled == 3


@pytest.mark.parametrize("path", [SELF_REWARD, RERANK])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}"])
async def test_a_broken_body_is_a_400(server: Server, path: str, content: bytes) -> None:
    answer = await server.post_bytes(path, content)
    assert answer.status_code == answer.json()["error"]["code"] == 400


async def test_the_openapi_document_shows_both_routes(server: Server) -> None:
    document = server.app.openapi()
    for path in (SELF_REWARD, *RERANKS):
        operation = document["paths"][path]["post"]
        assert "$ref" in operation["requestBody"]["content"]["application/json"]["schema"]
        assert "$ref" in operation["responses"]["200"]["content"]["application/json"]["schema"]
    properties = document["components"]["schemas"]["SelfRewardRequest"]["properties"]
    kinds = {option.get("type") for option in properties["completion"]["anyOf"]}
    assert kinds == {"string", "array", "null"}
