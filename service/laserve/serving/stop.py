"""What a signal to stop does to a server that answers.

No request is taken any more, the running ones have their time, then each is ended with an error;
then the engines end, and the server does. A second signal ends everything at once.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable
from threading import Timer

from laserve.serving.readiness import Cause, Reason
from laserve.serving.switch import Switch

logger = logging.getLogger(__name__)

ENGINE_S, LATE_ENGINE_S = 5.0, 1.0
"""How long an engine may take to end, until it is killed; where time has run out."""
CLOSE_S = 1
"""How long a connection whose client does not read is kept."""
LAST_S = 4.0
"""So long after the end of the running ones' time, or after its connections are closed, the process
is gone: an orchestrator kills after 30 s."""


class Stop:
    """Stops a server: `watch` its signals."""

    def __init__(
        self,
        switch: Switch,
        patience_s: float,
        under_way: Iterable[asyncio.Task[None]],
        end_now: Callable[[], object],
    ) -> None:
        """``patience_s``: for the requests that run. ``under_way``: what the server does by itself,
        and gives up. ``end_now`` ends the process at once."""
        self._switch = switch
        self._patience_s = patience_s
        self._under_way = list(under_way)
        self._end_now = end_now
        self._task: asyncio.Task[None] | None = None

    def watch(self, signals: Iterable[signal.Signals], close: Callable[[int], object]) -> None:
        """Stop at any of these signals a server which serves by now; ``close`` closes its
        connections, those that are not read after so many seconds."""
        loop = asyncio.get_running_loop()
        for number in signals:
            loop.add_signal_handler(number, self._begin, close)

    def _begin(self, close: Callable[[int], object]) -> None:
        if self._task is not None:
            logger.warning("told to stop again: ending at once")
            self._end_now()
        self._end_within(self._patience_s + LAST_S)
        self._task = asyncio.create_task(self._run(close))

    async def _run(self, close: Callable[[int], object]) -> None:
        switch = self._switch
        switch.readiness.reasons.add(Reason.STOPPING)
        logger.info("stopping: what runs has up to %g s", self._patience_s)
        for task in self._under_way:
            task.cancel()
        engine_s = ENGINE_S
        if not await switch.is_idle(self._patience_s, arriving=True):
            engine_s = LATE_ENGINE_S
            logger.warning("stopping: ending what still runs with an error")
            await switch.end(Cause.STOPPING, arriving=True)
        await asyncio.to_thread(switch.shutdown, engine_s)
        close(CLOSE_S)
        self._end_within(CLOSE_S + LAST_S)

    def _end_within(self, seconds: float) -> None:
        """Have the process gone by then, whatever holds it up."""
        last = Timer(seconds, self._end_now)
        last.daemon = True
        last.start()
