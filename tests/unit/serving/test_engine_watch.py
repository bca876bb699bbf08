"""The watch over an engine: when its silence counts, and when its restarts end."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from laserve.errors import CheckpointRejected
from laserve.hot_load import in_engine, restart
from laserve.hot_load.promises import FilesShown
from laserve.hot_load.proof import Prover
from laserve.hot_load.restart import Restarts, Served
from laserve.launch.flags import engine_restarts
from laserve.serving import heartbeat
from laserve.serving.deployment import Deployment
from laserve.serving.heartbeat import Heartbeat
from laserve.serving.readiness import Reason, Withdrawn
from laserve.serving.switch import Switch
from tests.unit.serving.fake_deployment import deployment_of

pytestmark = pytest.mark.asyncio

SHORT_S = 0.01


class SilentEngine:
    """Answers when it is let to."""

    def __init__(self, deployment: Deployment) -> None:
        self.goes_on = asyncio.Event()
        client: Any = deployment.client
        client.errored = False
        client.is_paused = self._is_paused

    async def _is_paused(self) -> bool:
        await self.goes_on.wait()
        return False


@pytest.fixture
def active() -> Deployment:
    return deployment_of("active")


@pytest.fixture
def switch(active: Deployment) -> Switch:
    return Switch(active)


@asynccontextmanager
async def watched(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(heartbeat, "BEAT_S", SHORT_S)
    task = asyncio.create_task(Heartbeat(switch, 5 * SHORT_S).run())
    try:
        yield
    finally:
        task.cancel()


async def until(switch: Switch, reasons: set[Reason]) -> None:
    async with asyncio.timeout(10):
        while switch.readiness.reasons != reasons:  # noqa: ASYNC110 - a set tells of nothing
            await asyncio.sleep(SHORT_S)


async def test_a_silent_engine_is_hung_until_it_goes_on_and_requests_are_taken(
    switch: Switch, active: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = SilentEngine(active)
    async with watched(switch, monkeypatch):
        await until(switch, {Reason.HUNG})
        async with switch.admitted():
            pass
        engine.goes_on.set()
        await until(switch, set())


async def test_an_engine_that_is_loaded_into_may_be_silent(
    switch: Switch, active: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = SilentEngine(active)
    async with watched(switch, monkeypatch), switch.quiet(force=False):
        await asyncio.sleep(20 * SHORT_S)
        assert switch.readiness.reasons == set()
        engine.goes_on.set()
        await asyncio.sleep(2 * SHORT_S)


async def test_what_cannot_be_started_again_is_tried_to_the_limit(
    switch: Switch, active: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoEngines:
        limit_s = 10.0
        started = 0

        async def start(self, model: Path) -> NoReturn:
            self.started += 1
            raise CheckpointRejected("no engine started with it")

        async def stop(self, client: object) -> None: ...

    class GivenUp(BaseException): ...

    def give_up() -> NoReturn:
        raise GivenUp

    monkeypatch.setattr(restart, "LOOK_S", SHORT_S)
    monkeypatch.setattr(restart, "ERRORS_S", SHORT_S)
    SilentEngine(active)
    client: Any = active.client
    client.errored = True
    engines: Any = NoEngines()
    outcomes: list[str] = []
    served = Served(Path("model"), None, None, FilesShown.NOTHING)
    watch = Restarts(switch, engines, served, Prover(None), 2, give_up, outcomes.append)
    with pytest.raises(GivenUp):
        await watch.run()
    assert engines.started == 2
    assert outcomes == ["rejected", "rejected"]
    with pytest.raises(Withdrawn, match="is being started again"):
        async with switch.admitted():
            pass


@pytest.mark.parametrize(
    ("api_servers", "ranks", "restarts"), [(None, 1, 3), (1, 1, 3), (2, 1, 0), (1, 2, 0)]
)
async def test_an_engine_that_others_would_not_hear_of_is_not_replaced(
    api_servers: int | None, ranks: int, restarts: int
) -> None:
    args = Namespace(api_server_count=api_servers, data_parallel_size=ranks, engine_restarts=3)
    assert engine_restarts(args) == restarts


async def test_a_model_of_a_hub_is_proven_again_as_at_the_start_without_its_files(
    switch: Switch, active: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneEngine:
        limit_s = 10.0
        started: list[Path] = []  # noqa: RUF012 - of this test alone

        async def start(self, model: Path) -> object:
            self.started.append(model)
            return active.client

    proven: list[tuple[object, ...]] = []

    async def of_start(*given: object) -> None:
        proven.append(given)

    async def warm_up(*_: object) -> None: ...

    def give_up() -> NoReturn:
        pytest.fail("one restart is allowed")

    monkeypatch.setattr(in_engine, "warm_up", warm_up)
    monkeypatch.setattr(Prover, "of_start", of_start)
    engines: Any = OneEngine()
    manifest: Any = object()
    hub = Served(Path("organisation/model"), None, manifest, FilesShown.NOTHING)
    watch = Restarts(switch, engines, hub, Prover(None), 1, give_up, lambda _: None)
    new = await watch._start(active)
    assert new.version == active.version + 1
    assert engines.started == [Path("organisation/model")]
    assert proven == [(active.client, active.parameters, manifest, None, FilesShown.NOTHING)]
