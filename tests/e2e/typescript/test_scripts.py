"""The TypeScript client's README and its examples, run as they stand."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.typescript.package import BLOCKS, EXAMPLES, run

NUMBER = r"-?[\d.]+(e-\d+)?"
SCORED = rf"\S+#\d score {NUMBER}"
TOLD = {
    "best_of_n": rf"one answer: {SCORED} confidence {NUMBER}\n"
    rf"(sample \d: {SCORED}\n){{8}}best of 8: {SCORED} confidence {NUMBER}\n",
    "openai_client": rf"{SCORED}\nbest of 4 confidence {NUMBER}\n"
    rf"(sample \d score {NUMBER}\n){{4}}{SCORED}\n",
    "rerank_other_server": rf"({NUMBER} \S+#\d\n){{8}}",
}
"""Example -> what it prints."""


@pytest.mark.parametrize("block", BLOCKS)
def test_the_readme_is_true(scripts: Mapping[str, Path], block: str) -> None:
    printed = run(scripts[block])
    # An answer, or what was wrong with the request.
    assert re.search(r"\S+#\d|selection\.n_max: .*HTTP 400", printed), printed


@pytest.mark.parametrize("example", TOLD)
def test_an_example_prints_the_score(
    scripts: Mapping[str, Path], demo: Server, example: str
) -> None:
    printed = run(scripts[example], demo.base_url, f"{demo.base_url}/v1", demo.model)
    assert re.fullmatch(TOLD[example], printed), printed


def test_every_example_is_run() -> None:
    assert EXAMPLES.keys() == TOLD.keys()
