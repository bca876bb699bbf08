"""The files of the page: their types, and those that are not ours."""

import json
import subprocess
import sys
from pathlib import Path

from laserve.api.page import FOLDER
from tests.browser.chromium import HERE, NODE_MODULES

KATEX = NODE_MODULES / "katex"


def test_its_modules_agree_with_their_types() -> None:
    node = Path(sys.executable).with_name("node")
    compiler = NODE_MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [node, compiler, "--project", HERE / "tsconfig.json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_katex_is_the_release_that_the_lock_names_unchanged_with_its_licence() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    version = json.loads((KATEX / "package.json").read_text())["version"]
    assert lock["packages"]["node_modules/katex"]["version"] == version
    bundled = {path.name: path for path in (FOLDER / "vendor" / "katex").rglob("*.*")}
    bundled["LICENSE"] = FOLDER / "vendor" / "katex" / "LICENSE"
    origins = {path.name: path for path in (KATEX / "dist").rglob("*")}
    origins["LICENSE"] = KATEX / "LICENSE"
    assert {"katex.min.js", "katex.min.css", "auto-render.min.js", "LICENSE"} < bundled.keys()
    for name, path in bundled.items():
        assert path.read_bytes() == origins[name].read_bytes(), name
