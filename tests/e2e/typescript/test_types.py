"""The TypeScript client's types: its own, the server's, and those that its users see."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.typescript.package import COMPILER, PACKAGE, run


def test_its_files_agree_with_their_types() -> None:
    run(COMPILER, "--project", PACKAGE / "tsconfig.json")


def test_what_is_built_is_typed_where_it_is_installed(scripts: Mapping[str, Path]) -> None:
    strict = ("--noEmit", "--strict", "--module", "nodenext", "--target", "es2022")
    run(COMPILER, *strict, *scripts.values())


def test_its_types_are_those_of_a_running_servers_document(demo: Server, tmp_path: Path) -> None:
    run(PACKAGE / "generate.ts", demo.base_url, tmp_path / "openapi.ts")
    kept = (PACKAGE / "src" / "openapi.ts").read_text()
    if (tmp_path / "openapi.ts").read_text() != kept:
        pytest.fail("the document has changed: run `make client-types` beside `make serve`")
