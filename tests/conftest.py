"""Set-up of every test process, before any test module imports transformers or vLLM."""

import os
import signal

import pytest
from xdist.remote import Producer

from laserve.startup import hide_broken_companions
from tests.side_by_side import BySharedProcesses

# A shell starts what it sends to the background with SIGINT ignored, and that is inherited: by the
# commands, too, that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Nothing is fetched from a hub: the suite builds the models that it serves.
os.environ["HF_HUB_OFFLINE"] = "1"
# Servers tell what they tell users, also where a test has imported TRL, which turns that off.
os.environ.setdefault("VLLM_LOGGING_LEVEL", "INFO")
# No usage statistics from test servers.
os.environ["VLLM_NO_USAGE_STATS"] = "1"
hide_broken_companions()
# Triton's own functions are interpreted where it is so when Triton is imported. This process
# compiles nothing; those that it starts say for themselves.
os.environ["TRITON_INTERPRET"] = "1"
import triton.experimental.gluon  # noqa: E402, F401

del os.environ["TRITON_INTERPRET"]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> BySharedProcesses:
    """Tests that share what is costly to start share a process."""
    return BySharedProcesses(config, log)
