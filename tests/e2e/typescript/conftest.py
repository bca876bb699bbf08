"""A project that uses the client."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.typescript.package import BLOCKS, EXAMPLES, PACKAGE


@pytest.fixture(scope="session")
def scripts(demo: Server, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The README's blocks and the examples, by name: files of a project that has installed the
    client, as npm does from a folder, and the openai package."""
    project = tmp_path_factory.mktemp("project")
    (project / "package.json").write_text('{"type": "module"}')
    modules = project / "node_modules"
    modules.mkdir()
    (modules / "laserve-client").symlink_to(PACKAGE)
    for name in ("openai", "@types"):
        (modules / name).symlink_to(PACKAGE / "node_modules" / name)
    sources = BLOCKS | {name: path.read_text() for name, path in EXAMPLES.items()}
    for name, source in sources.items():
        code = source.replace("http://127.0.0.1:8000", demo.base_url)
        (project / f"{name}.ts").write_text(code.replace("laserve-countdown", demo.model))
    return {name: project / f"{name}.ts" for name in sources}
