"""A process is gone when nothing of it runs any more."""

import subprocess
import sys
import time

import psutil

from laserve.processes import is_gone

FIRST_THREAD_ENDS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
"""
LIMIT_S = 30.0


def wait_until_zombie(process: psutil.Process) -> None:
    deadline = time.monotonic() + LIMIT_S
    while process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_whose_first_thread_has_ended_is_not_gone_before_the_others() -> None:
    command = [sys.executable, "-c", FIRST_THREAD_ENDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as started:
        process = psutil.Process(started.pid)
        wait_until_zombie(process)
        assert not is_gone(process)
        process.kill()
        deadline = time.monotonic() + LIMIT_S
        while not is_gone(process):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert process.status() == psutil.STATUS_ZOMBIE  # nobody has taken leave of it
    assert is_gone(process)
