"""A check in another process: what it returns, and how it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from laserve.answers.worker import Worker
from laserve.errors import ConfigurationError, DataError

_prepared = False


def prepare() -> None:
    time.sleep(1.0)
    global _prepared
    _prepared = True


def half(value: int) -> tuple[float, bool]:
    if value < 0:
        raise DataError(f"{value} is below 0")
    while value == 0:
        pass
    return value / 2, _prepared


# Run as a file: the process reads the main module of the program that started it.
PROGRAM = """
import os, signal
from laserve.answers.worker import Worker

def kill_the_program():
    os.kill(os.getppid(), signal.SIGKILL)
    while True:
        pass

if __name__ == "__main__":
    Worker(kill_the_program, timeout_s=1.0)()
"""


def pid(worker: Worker[[int], tuple[float, bool]]) -> int | None:
    return worker._running and worker._running[0].pid


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker[[int], tuple[float, bool]]]:
    with Worker(half, 0.5, prepare) as worker:
        yield worker


def test_what_the_check_returns_is_returned(worker: Worker[[int], tuple[float, bool]]) -> None:
    assert worker(3)[0] == 1.5
    with pytest.raises(DataError, match="-1 is below 0"):
        worker(-1)
    assert worker(4)[0] == 2.0


def test_preparing_is_done_before_the_time_of_a_call_runs(
    worker: Worker[[int], tuple[float, bool]],
) -> None:
    assert worker(1) == (0.5, True)


def test_an_endless_check_is_ended_and_the_next_one_answers(
    worker: Worker[[int], tuple[float, bool]],
) -> None:
    before = worker.timeouts
    with pytest.raises(TimeoutError, match=rf"exit code -{signal.SIGALRM:d}; .* limit of 0.5 s"):
        worker(0)
    assert worker.timeouts == before + 1
    assert worker(5) == (2.5, True)


def test_a_process_starts_ahead_of_the_call_and_again_after_one_that_ended_it() -> None:
    with Worker(half, 0.5, prepare) as worker:
        worker.start()
        assert worker.is_starting()
        before = pid(worker)
        worker.start()
        assert pid(worker) == before
        assert worker(1) == (0.5, True)
        assert not worker.is_starting()
        with pytest.raises(TimeoutError):
            worker(0)
        assert worker.is_starting()
        assert pid(worker) != before


def test_a_process_that_is_stopped_is_ended_and_the_next_one_answers(
    worker: Worker[[int], tuple[float, bool]],
) -> None:
    assert worker(1)[0] == 0.5
    stopped = pid(worker)
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(TimeoutError, match="or did not answer"):
        worker(1)
    assert pid(worker) != stopped
    assert worker(1)[0] == 0.5


def test_a_process_that_was_killed_meanwhile_is_replaced(
    worker: Worker[[int], tuple[float, bool]],
) -> None:
    assert worker(1)[0] == 0.5
    assert worker._running is not None
    worker._running[0].kill()
    worker._running[0].join()
    assert worker(1)[0] == 0.5


def test_the_process_ends_at_its_limit_also_where_the_program_was_killed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    # The output ends with the last process that has it.
    command = [sys.executable, str(program)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def test_any_thread_may_call(worker: Worker[[int], tuple[float, bool]]) -> None:
    results = []
    threads = [threading.Thread(target=lambda: results.append(worker(2))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(1.0, True)] * 3


def test_a_closed_worker_starts_again(worker: Worker[[int], tuple[float, bool]]) -> None:
    worker.close()
    assert worker(2)[0] == 1.0


class Unloadable:
    def __call__(self) -> bool:
        raise AssertionError

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("what the new process fails on",)


def test_a_process_that_cannot_start_is_told_of() -> None:
    with pytest.raises(ConfigurationError, match=r"did not start \(exit code 1\)"):
        Worker(Unloadable(), timeout_s=5.0)()


def test_a_time_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="timeout_s=0.0 is not above 0"):
        Worker(half, timeout_s=0.0)
