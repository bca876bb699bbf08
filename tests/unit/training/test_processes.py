"""What one process does for all; two of them: tests/integration/training/test_distributed.py."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from laserve.core.manifest import ReferenceConstant
from laserve.errors import DataError
from laserve_training.commands import laser
from laserve_training.config import load_config
from laserve_training.processes import in_every, on_main

CONFIG = Path(__file__).parents[3] / "training" / "configs" / "countdown.toml"


def test_a_process_by_itself_makes_it_and_raises_as_it_comes() -> None:
    assert in_every(lambda: 3) == [3]
    assert on_main(lambda: "made") == "made"

    def fail() -> None:
        raise DataError("why")

    with pytest.raises(DataError, match="why"):
        on_main(fail)


def test_c_ref_is_measured_while_the_weights_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    @contextmanager
    def gathered(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
        events.append(f"{len(parameters)} gathered")
        yield
        events.append("parted")

    def measure(*_: Any) -> Any:
        events.append("measured")
        return SimpleNamespace(c_ref=ReferenceConstant(mean=-9.0, std=1.0, count=2))

    monkeypatch.setattr(laser, "gather_params_ctx", gathered)
    monkeypatch.setattr(laser, "measure", measure)
    config, model, tokenizer = load_config(CONFIG), nn.Linear(2, 2), None
    arguments: Any = (config, model, tokenizer, [])
    assert laser._reference_constant(*arguments).mean == -9.0
    assert events == ["2 gathered", "measured", "parted"]
