"""Which tests share a process where the suite runs in several (pytest-xdist's `--numprocesses`).

Those that share servers, engines or training runs, which are started once in each process. The
order is that of collection, the longest first (`testpaths`), so that all processes end together.
"""

from xdist.scheduler import LoadScopeScheduling

GROUPS = (
    "tests/e2e/test_hot_load",
    "tests/e2e",
    "tests/integration/training/test_smollm2",
    "tests/integration/training",
    "tests/integration",
)
"""How the paths of each group begin; the first that fits counts. Elsewhere a file is a group."""


class BySharedProcesses(LoadScopeScheduling):
    """A process gets one group of tests at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for group in GROUPS if file.startswith(group)), file)
