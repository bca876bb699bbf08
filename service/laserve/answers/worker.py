"""A check in a process of its own, which is ended when it takes too long.

Checkers that evaluate a model's text can be kept busy for ever (`9^{9^{9^9}}`), inside C code that
no exception reaches. So the check arms the kernel's alarm clock for its own process, which ends it
whatever it does, also where the program itself has been killed by then. Works from any thread.
"""

import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock
from typing import Any, Generic, ParamSpec, Self, TypeVar

from laserve.errors import ConfigurationError, LaServeError

logger = logging.getLogger(__name__)

START_LIMIT_S = 60.0
"""A process that is not prepared by then will not be."""

STOPPED_S = 2.0
"""So long beyond its limit a call is waited for. The alarm clock of a process that is stopped does
not ring."""

P = ParamSpec("P")
R = TypeVar("R")


class Worker(Generic[P, R]):
    """Calls `check` in another process, one call at a time.

    `check`, its arguments and what it returns must be picklable. The process starts with `start()`
    or the first call, does `prepare` before the time of a call runs, and ends with `close()`, with
    the worker, or with the program. Where a call ends it, another one starts at once.
    """

    def __init__(
        self, check: Callable[P, R], timeout_s: float, prepare: Callable[[], None] | None = None
    ) -> None:
        if timeout_s <= 0:
            raise ConfigurationError(f"timeout_s={timeout_s} is not above 0")
        self.timeouts = 0
        """Calls that ran out of time, or took the process down in another way."""
        self._check = check
        self._prepare = prepare
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._running: tuple[SpawnProcess, Connection[Any, Any]] | None = None
        self._is_ready = False

    def is_starting(self) -> bool:
        """Whether the process has started, and no call has found it prepared yet."""
        return self._running is not None and not self._is_ready

    def start(self) -> None:
        """Starts the process ahead of the first call, without waiting until it is prepared."""
        with self._lock:
            if self._running is None:
                self._start()

    def wait_until_prepared(self) -> None:
        """Starts the process if need be. Raises ConfigurationError where it cannot be started."""
        with self._lock:
            self._process()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the check returns. Raises TimeoutError where it was ended, the LaServeErrors that it
        raises, and ConfigurationError where no process can be started."""
        with self._lock:
            process, connection = self._process()
            try:
                connection.send((args, kwargs))
                if not connection.poll(self._timeout_s + STOPPED_S):
                    raise EOFError  # it is stopped: as good as ended
                outcome = connection.recv()
            except (EOFError, ConnectionError) as error:
                self._stop()
                self._start()
                self.timeouts += 1
                ended = (
                    f"a check ended its process, or did not answer (exit code {process.exitcode}; "
                    f"{-signal.SIGALRM} is the limit of {self._timeout_s:g} s)"
                )
                logger.warning(ended)
                raise TimeoutError(ended) from error
            except BaseException:
                # Interrupted: the verdict to come must not be taken for the next call's.
                self._stop()
                raise
        if isinstance(outcome, LaServeError):
            raise outcome
        verdict: R = outcome
        return verdict

    def close(self) -> None:
        """Ends the process; a later call starts another."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _process(self) -> tuple[SpawnProcess, "Connection[Any, Any]"]:
        if self._running is not None and not self._running[0].is_alive():
            self._stop()
        process, connection = self._running or self._start()
        if not self._is_ready:
            try:
                if not connection.poll(START_LIMIT_S):
                    raise EOFError
                connection.recv()
            except (EOFError, ConnectionError) as error:
                process.join(STOPPED_S)
                self._stop()
                raise ConfigurationError(
                    f"the process that checks answers did not start (exit code {process.exitcode});"
                    " its own message stands above"
                ) from error
            self._is_ready = True
        return process, connection

    def _start(self) -> tuple[SpawnProcess, "Connection[Any, Any]"]:
        # Not forked: the program has threads.
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._check, self._prepare, self._timeout_s), daemon=True
        )
        process.start()
        # Without it, the end of the process would not end `recv`.
        theirs.close()
        self._running, self._is_ready = (process, ours), False
        return self._running

    def _stop(self) -> None:
        if self._running is not None:
            process, connection = self._running
            self._running = None
            connection.close()
            process.kill()
            process.join()


def _serve(
    connection: "Connection[Any, Any]",
    check: Callable[..., object],
    prepare: Callable[[], None] | None,
    timeout_s: float,
) -> None:
    """The process: answers one call after the other, until the program is gone."""
    # Ctrl-C is for the program, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with suppress(EOFError, ConnectionError):
        if prepare is not None:
            prepare()
        # Everything is imported: from here on the time of a call is its own.
        connection.send(None)
        while True:
            args, kwargs = connection.recv()
            outcome: object
            signal.setitimer(signal.ITIMER_REAL, timeout_s)
            try:
                outcome = check(*args, **kwargs)
            except LaServeError as error:
                outcome = error
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            connection.send(outcome)
