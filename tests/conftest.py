"""Set-up of every test process, before any test module imports transformers or vLLM."""

import os
from pathlib import Path

import pytest

from laserve.startup import hide_broken_companions

TESTS = Path(__file__).parent

# Nothing is fetched from a hub: the suite builds the models that it serves.
os.environ["HF_HUB_OFFLINE"] = "1"
# No usage statistics from test servers.
os.environ["VLLM_NO_USAGE_STATS"] = "1"
hide_broken_companions()


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share servers or engines stay in one process (`make test` runs two)."""
    for item in items:
        folder = item.path.relative_to(TESTS)
        if folder.parts[0] == "e2e":
            own = folder.stem.startswith("test_hot_load")
            group = folder.stem if own else "e2e"
        elif folder.parts[:2] == ("integration", "training"):
            group = folder.stem
        elif folder.parts[0] == "integration":
            group = "integration"
        else:
            continue
        item.add_marker(pytest.mark.xdist_group(group))
