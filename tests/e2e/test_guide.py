"""The Python blocks of README and docs/, run as they stand there."""

import re

import pytest

from tests.documents import DOCS, README, Example, examples
from tests.e2e.scripts import outputs
from tests.e2e.server import Server

DOCUMENTS = {path.stem: examples(path) for path in [README, *DOCS] if examples(path)}
NEXT = "\f"
"""Printed between two blocks of a document."""
FRACTION = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
TOLERANCE = 1e-3
"""Of a score, a weight or a log-probability: batches of other sizes add float32 in another order,
and the transport rounds by 0.0005 nats."""


@pytest.fixture(scope="module")
def printed(demo: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each block of each document prints; those of one are one script."""
    folder = tmp_path_factory.mktemp("guide")
    scripts = []
    for name, blocks in DOCUMENTS.items():
        code = f"print({NEXT!r}, end='')\n".join(block.code for block in blocks)
        code = code.replace("laserve-countdown", demo.model)
        file = folder / f"{name}.py"
        file.write_text(code.replace("http://127.0.0.1:8000", demo.base_url))
        scripts.append([str(file)])
    texts = outputs(folder, *scripts)
    return {name: text.split(NEXT) for name, text in zip(DOCUMENTS, texts, strict=True)}


def test_most_blocks_say_what_they_print() -> None:
    told = [bool(block.output) for blocks in DOCUMENTS.values() for block in blocks]
    assert sum(told) > len(told) / 2


@pytest.mark.parametrize(
    ("name", "number", "block"),
    [
        pytest.param(name, number, block, id=f"{name}-{number}")
        for name, blocks in DOCUMENTS.items()
        for number, block in enumerate(blocks)
    ],
)
def test_a_block_prints_what_the_document_says(
    printed: dict[str, list[str]], name: str, number: int, block: Example
) -> None:
    output = printed[name][number]
    assert output
    if block.output:
        assert FRACTION.sub("_", output) == FRACTION.sub("_", block.output)
        shown, told = (list(map(float, FRACTION.findall(of))) for of in (output, block.output))
        assert shown == pytest.approx(told, abs=TOLERANCE)
