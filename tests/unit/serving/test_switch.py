"""Generations stay with their checkpoint, and a switch waits for those that need its engine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.exceptions import GracefulHTTPError, VLLMValidationError
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import SamplingParams

from laserve.core.types import Status
from laserve.errors import CheckpointRejected
from laserve.scoring.rewards import Rewards
from laserve.serving.deployment import Deployment
from laserve.serving.readiness import Withdrawn
from laserve.serving.switch import Switch
from tests.unit.serving.fake_deployment import deployment_of
from tests.unit.serving.fake_serving import PARAMETERS

pytestmark = pytest.mark.asyncio

SHORT_S = 0.05
PROMPT = tokens_input([1, 2])


class Engine:
    """Generates its name, as often as it is let to."""

    def __init__(self, deployment: Deployment) -> None:
        self.asked = 0
        self.go_on = asyncio.Semaphore(0)
        self._name = deployment.parameters.checkpoint
        client: Any = deployment.client
        client.generate = self._generate

    async def _generate(self, *_: object, **__: object) -> AsyncGenerator[str, None]:
        self.asked += 1
        while True:
            await self.go_on.acquire()
            yield self._name


@pytest.fixture
def first() -> Deployment:
    return deployment_of("first")


@pytest.fixture
def engine(first: Deployment) -> Engine:
    return Engine(first)


@pytest.fixture
def switch(first: Deployment) -> Switch:
    return Switch(first)


def ask(switch: Switch) -> AsyncGenerator[Any, None]:
    return switch.generate(PROMPT, SamplingParams(), "request")


async def test_a_switch_waits_for_a_generation_that_the_engine_is_busy_with(
    switch: Switch, first: Deployment, engine: Engine
) -> None:
    async with aclosing(ask(switch)) as outputs:
        reading = asyncio.ensure_future(anext(outputs))
        drained = asyncio.create_task(first.drained(SHORT_S))
        await asyncio.sleep(4 * SHORT_S)
        assert not drained.done()
        engine.go_on.release()
        assert await reading == "first"
    await drained


async def test_a_switch_does_not_wait_for_a_client_that_does_not_read(
    switch: Switch, first: Deployment, engine: Engine
) -> None:
    engine.go_on.release()
    async with aclosing(ask(switch)) as outputs:
        assert await anext(outputs) == "first"
        await first.drained(SHORT_S)
        switch.activate(deployment_of("second", 2))
        switch.retire(first)
        # What was generated before is still there for it.
        engine.go_on.release()
        assert await anext(outputs) == "first"


async def test_a_client_that_reads_is_waited_for_however_long_it_takes(
    switch: Switch, first: Deployment, engine: Engine
) -> None:
    async with aclosing(ask(switch)) as outputs:
        drained = asyncio.create_task(first.drained(4 * SHORT_S))
        for _ in range(8):
            engine.go_on.release()
            await anext(outputs)
            await asyncio.sleep(SHORT_S)
        assert not drained.done()
    await drained


async def test_what_was_not_begun_in_time_goes_to_what_is_active_then(
    switch: Switch, first: Deployment, engine: Engine
) -> None:
    second = deployment_of("second", 2)
    Engine(second).go_on.release()
    async with switch.admitted() as scope:
        outputs = ask(switch)
        switch.activate(second)
        switch.retire(first)
        assert scope.deployment is second
        async with aclosing(outputs):
            assert await anext(outputs) == "second"
    assert engine.asked == 0


async def test_no_score_is_read_from_weights_that_did_not_write_the_answer(
    first: Deployment, engine: Engine
) -> None:
    first.end()
    reward = await first.scored.score(PROMPT, [5, 2], "request")
    assert (reward.status, reward.logprob) == (Status.ABORTED, None)
    with pytest.raises(GracefulHTTPError) as refused:
        await anext(first.scored.generate(PROMPT, SamplingParams(), "request", None))
    assert refused.value.http_status == HTTPStatus.SERVICE_UNAVAILABLE
    assert engine.asked == 0


async def test_weights_that_are_put_back_answer_again(
    switch: Switch, first: Deployment, engine: Engine
) -> None:
    first.end()
    first.resume()
    engine.go_on.release()
    async with aclosing(ask(switch)) as outputs:
        assert await anext(outputs) == "first"


async def test_a_load_in_place_gives_up_where_a_request_does_not_end(
    first: Deployment, engine: Engine
) -> None:
    switch = Switch(first, load_patience_s=SHORT_S)
    engine.go_on.release()
    async with switch.admitted(), aclosing(ask(switch)) as outputs:
        assert await anext(outputs) == "first"
        reading = asyncio.ensure_future(anext(outputs))
        await asyncio.sleep(0)
        with pytest.raises(CheckpointRejected, match="1 requests had not ended after 0.05 s"):
            async with switch.quiet(force=False):
                pytest.fail("the engine is busy")
        engine.go_on.release()
        assert await reading == "first"
    async with switch.quiet(force=False):
        pass


async def test_who_would_wait_longer_than_the_patience_is_told_to_ask_again(
    first: Deployment,
) -> None:
    switch = Switch(first, load_patience_s=SHORT_S)

    async def bound() -> Deployment:
        async with switch.admitted() as scope:
            return scope.bound

    async with switch.quiet(force=False):
        with pytest.raises(Withdrawn, match="being loaded in place: ask again") as withdrawn:
            await bound()
        assert withdrawn.value.retry_after_s == 5
        waiting = asyncio.create_task(bound())
        await asyncio.sleep(0)
    assert await waiting is first


async def test_a_forced_load_ends_the_requests_that_it_would_wait_for(first: Deployment) -> None:
    switch = Switch(first, load_patience_s=SHORT_S)
    failed: list[Exception] = []
    client: Any = first.client
    client.output_processor = SimpleNamespace(propagate_error=failed.append)

    async def never_ends() -> None:
        async with switch.admitted():
            with first.scored.under_way.one_more():
                await asyncio.Event().wait()

    request = asyncio.create_task(never_ends())
    await asyncio.sleep(0)
    async with switch.quiet(force=True):
        assert request.done()
    with pytest.raises(Withdrawn, match="being loaded in place: ask again"):
        await request
    assert len(failed) == 1


Z_C = PARAMETERS.z_c


@pytest.mark.parametrize(
    "steering",
    [
        {"logit_bias": {Z_C: 100.0}},
        {"logit_bias": {1: 1.0, Z_C: -100.0}},
        {"allowed_token_ids": [1, Z_C]},
        {"bad_words": ["fine", f"a <{Z_C}>"]},
        {"trace_decode_token_ids": [1, Z_C]},
    ],
)
@pytest.mark.parametrize("scored", [False, True])
async def test_nobody_steers_the_score_token_in_an_answer_with_a_score_or_without(
    switch: Switch, steering: dict[str, Any], scored: bool
) -> None:
    async with switch.admitted() as scope:
        scope.rewards = Rewards() if scored else None
        with pytest.raises(VLLMValidationError, match=f"'<{Z_C}>' .id {Z_C}.") as refused:
            switch.generate(PROMPT, SamplingParams(**steering), "request")
    assert refused.value.parameter == next(iter(steering))


async def test_a_prompt_with_the_score_token_is_refused_where_a_score_is_asked_for(
    switch: Switch,
) -> None:
    prompt = tokens_input([1, Z_C, 2])
    async with switch.admitted() as scope:
        switch.generate(prompt, SamplingParams(), "plain")
        scope.rewards = Rewards()
        with pytest.raises(VLLMValidationError, match="self_reward: false"):
            switch.generate(prompt, SamplingParams(), "scored")
