"""vLLM's processes go with the one that started them, however that one ended.

vLLM's engine core does not notice that its server was killed, and its workers notice the end of the
engine core only when they have loaded the model. Here each waits for the end of a pipe that nobody
but its parent holds open, which `multiprocessing` made when it started the process. The kernel's
own death signal (PR_SET_PDEATHSIG) would come at the end of the thread that started it.
"""

import os
import signal
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Any

from vllm.v1.engine.coordinator import DPCoordinatorProc

PLUGIN_NAME = "laserve"
"""Of our entry points in vLLM's groups."""
_RUN_COORDINATOR = DPCoordinatorProc.run_coordinator
"""vLLM's own, also in a process that is forked off one in which it is replaced."""


def hold() -> None:
    """Implements vLLM's `vllm.general_plugins`: called first in each engine core and worker.

    Another vLLM of the environment, which was not told to load our plugins, is left alone.
    """
    named = os.environ.get("VLLM_PLUGINS", "").split(",")
    parent = parent_process()
    if parent is not None and PLUGIN_NAME in named:
        Thread(target=_follow, args=(parent.sentinel,), name="lifeline", daemon=True).start()


def hold_coordinator() -> None:
    """Have the coordinator of data parallel ranks, which loads no plugins, hold it too: called in
    the process that starts it."""
    DPCoordinatorProc.run_coordinator = staticmethod(_coordinate)  # type: ignore[assignment, method-assign]


def _coordinate(**arguments: Any) -> None:
    hold()
    _RUN_COORDINATOR(**arguments)


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)  # an exit would wait for the threads of a load
