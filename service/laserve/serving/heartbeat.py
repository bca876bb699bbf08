"""Whether the active engine goes on: it is asked for a sign of life, which it gives between two
steps."""

import asyncio
import logging

from vllm.engine.protocol import EngineClient

from laserve.serving.readiness import Reason
from laserve.serving.switch import Switch

logger = logging.getLogger(__name__)

BEAT_S = 1.0


class Heartbeat:
    """Has the server not ready while its engine is silent. `run` it in a task of its own, when the
    engine has compiled what it compiles."""

    def __init__(self, switch: Switch, hung_after_s: float) -> None:
        """``hung_after_s``: longer than any step takes."""
        self._switch = switch
        self._hung_after_s = hung_after_s

    async def run(self) -> None:
        """Ask, until cancelled. An engine that is being loaded into is not asked."""
        while True:
            await asyncio.sleep(BEAT_S)
            client = self._switch.active.client
            if not self._switch.is_held and not client.errored:
                await self._ask(client)

    async def _ask(self, client: EngineClient) -> None:
        reasons = self._switch.readiness.reasons
        answer = asyncio.ensure_future(client.is_paused())  # which is does not matter
        silent_s = 0.0
        try:
            while not answer.done() and not client.errored and client is self._now:
                await asyncio.wait([answer], timeout=BEAT_S)
                # Counted, not measured: who stops this process stops its clock, too.
                silent_s = 0.0 if self._switch.is_held else silent_s + BEAT_S
                if silent_s >= self._hung_after_s and Reason.HUNG not in reasons:
                    reasons.add(Reason.HUNG)
                    logger.error("the engine has made no step for %g s: not ready", silent_s)
            if Reason.HUNG in reasons and _was_given(answer):
                logger.warning("the engine goes on")
        finally:
            reasons.discard(Reason.HUNG)
            answer.cancel()

    @property
    def _now(self) -> EngineClient:
        return self._switch.active.client


def _was_given(answer: asyncio.Future[bool]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None
