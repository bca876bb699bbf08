"""The first requests of the README, run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import README, blocks
from tests.e2e.server import Server

FRACTION = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
TOLERANCE = 1e-3
"""Of a score, a weight or a log-probability: batches of other sizes add float32 in another order,
and the transport rounds by 0.0005 nats."""


def test_the_first_requests_are_answered_as_the_readme_says(demo: Server, tmp_path: Path) -> None:
    script = tmp_path / "first_requests.py"
    code = "".join(blocks(README, "python")).replace("laserve-countdown", demo.model)
    script.write_text(code.replace("http://127.0.0.1:8000", demo.base_url))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed, told = done.stdout, "".join(blocks(README, "text"))
    assert FRACTION.sub("_", printed) == FRACTION.sub("_", told)
    numbers = [[float(text) for text in FRACTION.findall(shown)] for shown in (printed, told)]
    assert numbers[0] == pytest.approx(numbers[1], abs=TOLERANCE)
