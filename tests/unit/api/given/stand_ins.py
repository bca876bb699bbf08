"""A server of /v1/self_reward and /v1/rerank whose engine scores by length.

Tokenizer, schemas and error handlers are real.
"""

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.inputs import EngineInput, TextPrompt, TokensPrompt
from vllm.inputs.engine import tokens_input
from vllm.renderers import TokenizeParams
from vllm.tokenizers import TokenizerLike

from laserve.core.score import ScoreParameters
from laserve.core.types import Method, SelfReward, Status
from laserve.serving.deployment import Deployment
from tests.unit.serving.fake_deployment import bound

SELF_REWARD, RERANK = "/v1/self_reward", "/v1/rerank"
RERANKS = [RERANK, "/v2/rerank", "/rerank"]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
TEXT = {"prompt": "x", "completion": "a"}
QUERY = {"query": "x", "documents": ["a"]}
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


def ids(server: Server, text: str) -> list[int]:
    return list(server.engine.renderer.tokenizer(text)["input_ids"])


def reward(tokens: int) -> dict[str, Any]:
    """Of a completion of so many tokens."""
    return PARAMETERS.reward(float(-tokens), Method.POST_HOC).model_dump(mode="json")
