"""What an engine answers to a call that fails."""

import inspect

import pytest
from vllm.distributed.device_communicators.shm_broadcast import MessageQueue
from vllm.v1.engine.exceptions import EngineDeadError

from laserve.errors import CheckpointRejected
from laserve.hot_load.engine_calls import rejecting


def answered(error: Exception) -> str:
    """Why a checkpoint is rejected where the engine answers with this error."""
    with pytest.raises(CheckpointRejected) as rejected, rejecting("it is of no use"):
        raise error
    return str(rejected.value)


def test_what_a_worker_says_is_told() -> None:
    told = answered(Exception("Call to collective_rpc method failed: a broken disk"))
    assert told == "it is of no use: Call to collective_rpc method failed: a broken disk"


def test_a_death_is_told_as_one_also_where_the_engine_still_answers() -> None:
    assert answered(EngineDeadError()) == "it is of no use: it died of it"
    # vLLM's core answers so, and ends when it has read on.
    cancelled = Exception("Call to collective_rpc method failed: cancelled")
    assert answered(cancelled) == "it is of no use: it died of it"
    assert 'raise RuntimeError("cancelled")' in inspect.getsource(MessageQueue)


def test_an_error_of_our_own_stays_what_it_is() -> None:
    with pytest.raises(KeyError), rejecting("it is of no use"):
        raise KeyError("a")
