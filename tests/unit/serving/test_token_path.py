"""The path of every token: what is done on it beside plain vLLM, counted."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from vllm.inputs.engine import tokens_input
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.scoring.rewards import Rewards
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch
from laserve.worker.config import PROCESSOR_V1
from tests.unit.serving.fake_deployment import deployment_of
from tests.unit.serving.fake_serving import PARAMETERS

pytestmark = pytest.mark.asyncio

OUTPUTS = 50
CALLS = {"plain": 0, "unscored": 4, "scored": 6}
"""Python functions that are entered for each output, those of vLLM's own generator aside: the late
generator, the one frame of an async generator, the two that note who waits; of a scored one also
the list of what ends, and the test for an EOS."""


class Engine:
    """Gives one token after the other, and no end."""

    def __init__(self, deployment: Deployment) -> None:
        parts = [CompletionOutput(0, "a", [5], None, None) for _ in range(OUTPUTS + 1)]
        self.outputs = [
            RequestOutput("request", None, [1], None, [part], finished=False) for part in parts
        ]
        client: Any = deployment.client
        client.generate = self._generate

    async def _generate(self, *_: object, **__: object) -> AsyncGenerator[RequestOutput, None]:
        for output in self.outputs:
            yield output


@pytest.fixture
def deployment() -> Deployment:
    """One whose requests are armed."""
    found = deployment_of("counted")
    client: Any = found.client
    client.vllm_config.model_config.logits_processors = [PROCESSOR_V1]
    client.vllm_config.model_config.return_sampling_mask = False
    client.vllm_config.aux_output_config = SimpleNamespace(enable_return_routed_experts=False)
    client.renderer = SimpleNamespace(
        tokenizer=None, get_eos_token_id=lambda: min(PARAMETERS.eos_token_ids)
    )
    return Deployment(1, client, found.parameters, found.observer)


async def entered(outputs: AsyncGenerator[RequestOutput, None]) -> tuple[float, list[str]]:
    """Python functions entered for each output, and the names of those of the last one."""
    names: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            names.append(frame.f_code.co_qualname)

    async with aclosing(outputs):
        await anext(outputs)
        sys.setprofile(note)
        try:
            for _ in range(OUTPUTS):
                await anext(outputs)
        finally:
            sys.setprofile(None)
    return len(names) / OUTPUTS, names[-len(names) // OUTPUTS :]


@pytest.mark.parametrize("kind", CALLS)
async def test_so_much_is_entered_for_each_output_and_no_more(
    deployment: Deployment, kind: str
) -> None:
    Engine(deployment)
    client: Any = deployment.client
    params = SamplingParams(max_tokens=1000, output_kind=RequestOutputKind.DELTA)
    async with Switch(deployment).admitted() as scope:
        if kind == "plain":
            outputs = client.generate()
        else:
            scope.rewards = Rewards() if kind == "scored" else None
            outputs = Switch(deployment).generate(tokens_input([1]), params, "request")
        count, names = await entered(outputs)
    assert count - 1 <= CALLS[kind], names


@pytest.mark.parametrize("rewards", [None, Rewards()])
async def test_outputs_before_the_eos_are_the_engines_own_objects(
    deployment: Deployment, rewards: Rewards | None
) -> None:
    engine = Engine(deployment)
    params = SamplingParams(max_tokens=1000, output_kind=RequestOutputKind.DELTA)
    async with Switch(deployment).admitted() as scope:
        scope.rewards = rewards
        async with aclosing(
            Switch(deployment).generate(tokens_input([1]), params, "request")
        ) as outputs:
            for number in range(OUTPUTS):
                output = await anext(outputs)
                assert output is engine.outputs[number]
                assert output.outputs[0].token_ids == [5]


async def test_a_scored_output_takes_no_turn_of_the_event_loop(deployment: Deployment) -> None:
    Engine(deployment)
    params = SamplingParams(max_tokens=1000, output_kind=RequestOutputKind.DELTA)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count_turns())
    async with Switch(deployment).admitted() as scope:
        scope.rewards = Rewards()
        async with aclosing(
            Switch(deployment).generate(tokens_input([1]), params, "request")
        ) as outputs:
            await anext(outputs)
            before = turns
            for _ in range(OUTPUTS):
                await anext(outputs)
            assert turns == before
    counting.cancel()
