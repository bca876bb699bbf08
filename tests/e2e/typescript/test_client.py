"""The TypeScript client's own tests (`node:test`), each file with the server that it is for."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import ADMIN_KEY
from tests.e2e.hot_loading import HotServer
from tests.e2e.server import Server
from tests.e2e.typescript.package import PACKAGE, run

TESTS = PACKAGE / "tests"


def run_tests(file: str, at: Server) -> None:
    """Fails with what failed of the tests in a file."""
    run(
        *("--test", TESTS / file),
        LASERVE_URL=at.base_url,
        LASERVE_API_KEY=at.api_key,
        LASERVE_ADMIN_KEY=ADMIN_KEY,
    )


@pytest.mark.parametrize("file", ["requests.test.ts", "stream.test.ts", "waiting.test.ts"])
def test_without_a_server(file: str) -> None:
    run("--test", TESTS / file)


def test_with_the_demo_checkpoint(demo: Server) -> None:
    run_tests("demo.test.ts", demo)


def test_with_a_server_that_asks_for_keys(guarded_server: Server) -> None:
    run_tests("guarded.test.ts", guarded_server)


def test_with_a_server_that_loads_checkpoints(at_a: HotServer, candidate: Path) -> None:
    manifest = candidate / "laserve.json"
    manifest.write_text(manifest.read_text()[:-20])
    run_tests("hot.test.ts", at_a.server)


def test_every_file_of_tests_is_run() -> None:
    run_here = set(re.findall(r'"(\w+\.test\.ts)"', Path(__file__).read_text()))
    assert {path.name for path in TESTS.glob("*.test.ts")} == run_here
