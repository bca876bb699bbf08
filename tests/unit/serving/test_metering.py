"""The tokens of a key that has a limit of them: each one counts once, however it is asked for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from vllm.inputs.engine import tokens_input
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from laserve.access.quotas import Meter
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch
from tests.unit.serving.fake_deployment import deployment_of

pytestmark = pytest.mark.asyncio

PROMPT = tokens_input([1, 2, 4])
DELTA, FINAL_ONLY = RequestOutputKind.DELTA, RequestOutputKind.FINAL_ONLY
CUMULATIVE = RequestOutputKind.CUMULATIVE


def of(*lengths: int) -> RequestOutput:
    """An output with so many tokens for each choice."""
    parts = [CompletionOutput(i, "", [5] * n, None, None) for i, n in enumerate(lengths)]
    return RequestOutput("request", None, [1, 2, 4], None, parts, finished=False)


def switch_of(*outputs: RequestOutput, hangs: bool = False) -> Switch:
    """One whose engine gives these."""

    async def generate(*_: object, **__: object) -> AsyncGenerator[RequestOutput, None]:
        for output in outputs:
            yield output
        if hangs:
            await asyncio.Event().wait()

    deployment: Deployment = deployment_of("metered")
    client: Any = deployment.client
    client.generate = generate
    return Switch(Deployment(1, client, deployment.parameters, deployment.observer))


async def counted(switch: Switch, read: int, **params: Any) -> int:
    """What a request of `params` counts, of which so many outputs are read."""
    meter = Meter()
    async with switch.admitted() as scope:
        scope.meter = meter
        outputs = switch.generate(PROMPT, SamplingParams(**params), "request")
        async with aclosing(outputs):
            for _ in range(read):
                await anext(outputs)
    return meter.tokens


async def test_what_is_new_in_each_output_counts_beside_the_prompt() -> None:
    deltas = [of(2), of(3), of(1)]
    assert await counted(switch_of(*deltas), 3, output_kind=DELTA) == 3 + 6
    wholes = [of(2), of(5), of(6)]
    assert await counted(switch_of(*wholes), 3, output_kind=CUMULATIVE) == 3 + 6
    assert await counted(switch_of(of(6, 4)), 1, output_kind=FINAL_ONLY, n=2) == 3 + 10


async def test_a_stream_that_is_given_up_counts_as_far_as_it_was_read() -> None:
    assert await counted(switch_of(of(2), of(3), hangs=True), 2, output_kind=DELTA) == 3 + 5


async def test_an_answer_that_is_not_waited_for_counts_with_all_that_it_might_have_had() -> None:
    params: dict[str, Any] = {"output_kind": FINAL_ONLY, "max_tokens": 40, "n": 2}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await counted(switch_of(hangs=True), 1, **params)
    meter = Meter()
    switch = switch_of(hangs=True)
    async with switch.admitted() as scope:
        scope.meter = meter
        outputs = switch.generate(PROMPT, SamplingParams(**params), "request")
        reading = asyncio.ensure_future(anext(outputs))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait([reading])
    assert meter.tokens == 3 + 80


async def test_nothing_counts_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laserve.serving.generation.MeteredEngine", None)
    switch = switch_of(of(1))
    async with switch.admitted(), aclosing(ask := switch.generate(PROMPT, SamplingParams(), "r")):
        assert len((await anext(ask)).outputs) == 1
