"""What the OpenAPI document says can be asked, in a thousand ways, of a server on a tiny model.

    python -m tests.bench.api_cases [--cases 75]

The exit status is 1 where an answer is a 5xx or not one that the document has, or fewer than 500
are 200s.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from schemathesis.core.failures import FailureGroup

from tests.e2e.api_cases import ask_in_every_way
from tests.e2e.server import running_server
from tests.tiny_checkpoints.build import build_checkpoint

ANSWERED = 500


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=75, help="of each route (default 75)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laserve-api-") as scratch:
        root = Path(scratch, "candidates")
        build_checkpoint(root / "a", name="tiny-a")
        with running_server(
            root / "a",
            Path(scratch, "server.log"),
            *("--dtype", "float32", "--enforce-eager", "--max-model-len", "512"),
            *("--checkpoint-root", str(root)),
            installed=True,
        ) as server:
            try:
                statuses = ask_in_every_way(server.base_url, server.api_key, options.cases)
            except FailureGroup as failures:
                print(failures)
                return 1
    print(f"{statuses.total()} requests: {dict(sorted(statuses.items()))}")
    return 0 if statuses[200] >= ANSWERED else 1


if __name__ == "__main__":
    sys.exit(main())
