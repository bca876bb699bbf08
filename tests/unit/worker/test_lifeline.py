"""The coordinator of data parallel ranks, which is given the lifeline."""

from typing import Any

import pytest
from vllm.v1.engine.coordinator import DPCoordinatorProc

from laserve.worker import lifeline


def test_what_is_replaced_runs_vllms_own_also_where_it_is_replaced_as_in_a_fork(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[dict[str, Any]] = []
    monkeypatch.setattr(lifeline, "_RUN_COORDINATOR", lambda **arguments: ran.append(arguments))
    monkeypatch.setattr(DPCoordinatorProc, "run_coordinator", DPCoordinatorProc.run_coordinator)
    lifeline.hold_coordinator()
    DPCoordinatorProc.run_coordinator(engine_count=2)  # type: ignore[call-arg]
    assert ran == [{"engine_count": 2}]
