"""The extra `rollouts` installs a vLLM that TRL generates with."""

import tomllib
import warnings
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from trl import import_utils

PYPROJECT = Path(__file__).parents[4] / "training" / "pyproject.toml"


def test_every_vllm_that_the_extra_allows_is_one_that_trl_supports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    (pin,) = map(Requirement, extras["rollouts"])
    assert (pin.name, pin.extras) == ("trl", {"vllm"})
    assert version("trl") in pin.specifier  # what TRL says below, it says of the pinned version
    (vllm,) = (one for one in map(Requirement, requires("trl") or ()) if one.name == "vllm")
    ends = {one.operator: one.version for one in vllm.specifier}
    assert ends.keys() == {">=", "<="}

    def warns(installed: str) -> bool:
        monkeypatch.setattr(
            import_utils, "_is_package_available", lambda *_, **__: (True, installed)
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert import_utils.is_vllm_available()
        return bool(caught)

    assert not any(map(warns, ends.values()))
    assert warns("0.32.0")  # of `laserve[gpu]`
