"""Every vLLM name that we use exists in each vLLM release that we support."""

import importlib
import json

import pytest

from tools.vllm_names import RECORDS, imported_names

RELEASES = ("0.32.0", "0.33.0")


@pytest.mark.parametrize("release", RELEASES)
def test_every_name_that_we_import_is_in_the_release(release: str) -> None:
    record: dict[str, bool] = json.loads((RECORDS / f"{release}.json").read_text())
    used = {f"{module}:{name}" for module, name in imported_names()}
    assert used == record.keys(), "the record is old: run tools/vllm_names.py on the wheels"
    missing = sorted(name for name, found in record.items() if not found)
    # The CPU worker is only given to vLLM on a CPU, where 0.32 is what there is.
    assert not [name for name in missing if ".cpu_" not in name]


def test_every_name_that_we_import_is_in_the_installed_vllm() -> None:
    for module, name in imported_names():
        if not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")
