"""Scripts, each with the output that it prints. They run in one process, one after another: what
they import takes many times as long as what they do.

    python -m tests.e2e.scripts RESULT.json '[["first.py", "--flag"], ["second.py"]]'
"""

import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path


def outputs(folder: Path, *scripts: Sequence[str]) -> list[str]:
    """What each prints; `scripts` are paths with arguments, `folder` is for the result."""
    result = folder / "outputs.json"
    command = [sys.executable, "-m", __name__, str(result), json.dumps(scripts)]
    # LiteLLM fetches a list of prices as it is imported, unless it is told not to.
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed: list[str] = json.loads(result.read_text())
    return printed


def main() -> None:
    """Run them."""
    _, result, scripts = sys.argv
    printed = []
    for script in json.loads(scripts):
        sys.argv = script
        with redirect_stdout(io.StringIO()) as output:
            runpy.run_path(script[0], run_name="__main__")
        printed.append(output.getvalue())
    Path(result).write_text(json.dumps(printed))


if __name__ == "__main__":
    main()
