"""vLLM's real HTTP application with LaServe's routes, in front of fake serving objects."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from vllm.entrypoints.launchers import app as launcher
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.tasks import SupportedTask
from vllm.utils.argparse_utils import FlexibleArgumentParser

from laserve.access.key_ring import KeyRing
from laserve.answers.math_equality import MathEqualityPool
from laserve.api.metrics.selection import SelectionMetrics
from laserve.api.routes import mount
from laserve.api.state import LaServeState, SelectionSettings
from laserve.api.upstream import Upstream
from laserve.selecting.plan import Planner
from laserve.serving.deployment import Deployment
from tests.unit.serving.fake_deployment import bound, deployment_of
from tests.unit.serving.fake_serving import (
    PARAMETERS,
    FakeEngine,
    FakeModels,
    FakeServingBatch,
    FakeServingChat,
    FakeServingCompletion,
    FakeServingMessages,
    FakeServingResponses,
)

MESSAGES = [{"role": "user", "content": "1 + 1?"}]
CHAT = "/v1/chat/completions"
BATCH = "/v1/chat/completions/batch"
REQUESTS: dict[str, dict[str, Any]] = {
    CHAT: {"model": "tiny", "messages": MESSAGES},
    "/v1/completions": {"model": "tiny", "prompt": "1 + 1 ="},
    "/v1/responses": {"model": "tiny", "input": "1 + 1?", "request_id": "resp_1"},
    "/v1/messages": {"model": "tiny", "max_tokens": 8, "messages": MESSAGES},
}
"""The smallest request of each scored route that streams."""
OTHERS: dict[str, dict[str, Any]] = {
    BATCH: {"model": "tiny", "messages": [MESSAGES]},
    "/invocations": {"model": "tiny", "messages": MESSAGES},
}
"""The same of the other scored routes."""


class MountingPlugin:
    """The part of LaServe's endpoint plugin that registers the routes."""

    name = "laserve"
    required_tasks = ("generate",)

    def attach_router(self, app: FastAPI) -> None:
        mount(app)


@dataclass
class Server:
    app: FastAPI
    engine: FakeEngine = field(default_factory=FakeEngine)
    upstream: Upstream | None = None
    deployment: Deployment = field(default_factory=lambda: deployment_of(PARAMETERS.checkpoint))
    ring: KeyRing | None = None
    """Whose keys are taken; None for those of the app's flags."""

    def __post_init__(self) -> None:
        self.chat = FakeServingChat(self.engine)
        self.responses = FakeServingResponses(self.engine)
        state = self.app.state
        bound(self.app, self.deployment, self.ring)
        state.laserve = LaServeState(
            SelectionSettings(
                planner=Planner(plugins={}, math=MathEqualityPool()),
                upstream=self.upstream,
                metrics=SelectionMetrics("tiny", CollectorRegistry()),
            ),
            active=lambda: self.deployment,
        )
        state.openai_serving_chat = self.chat
        state.openai_serving_chat_batch = FakeServingBatch(self.engine)
        state.openai_serving_models = FakeModels()
        state.openai_serving_completion = FakeServingCompletion(self.engine)
        state.openai_serving_responses = self.responses
        state.anthropic_serving_messages = FakeServingMessages(self.chat)
        state.engine_client = None

    def client(self) -> httpx.AsyncClient:
        """An HTTP client of the application, without a network. An error that the application
        fails with is answered, as by a server."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://laserve")

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        async with self.client() as client:
            return await client.post(path, json=body, headers=headers)


def build_app(
    *flags: str,
    plugins: tuple[MountingPlugin, ...] = (MountingPlugin(),),
    tasks: tuple[SupportedTask, ...] = ("generate",),
) -> FastAPI:
    """The application as `vllm serve` builds it for a model with these tasks, started with `flags`
    and `plugins`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vllm.plugins.load_endpoint_plugins", lambda _tasks: list(plugins))
        parser = make_arg_parser(FlexibleArgumentParser())
        return launcher.build_app(parser.parse_args(list(flags)), tasks)
