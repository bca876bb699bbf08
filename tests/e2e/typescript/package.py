"""The TypeScript client, and the node that runs it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.documents import TYPESCRIPT_README, blocks

PACKAGE = TYPESCRIPT_README.parent
EXAMPLES = {path.stem: path for path in (PACKAGE / "examples").glob("*.ts")}
BLOCKS = {f"block_{number}": block for number, block in enumerate(blocks(TYPESCRIPT_README, "ts"))}
"""Those of the README."""
COMPILER = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
_NODE = Path(sys.executable).with_name("node")


def run(*command: str | Path, **environment: str) -> str:
    """What node prints; fails with all of it where node does."""
    done = subprocess.run(
        [_NODE, *command], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
