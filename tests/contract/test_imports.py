"""Who imports whom: core <- engine <- api <- app, and nothing that is not declared.

Read from the syntax tree of every file, so imports inside functions and for type checkers count.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "service" / "laserve"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}

ALLOWED = {
    # part of laserve: (parts that it may import, other libraries; None: any that is declared)
    "errors": (set(), set()),
    "startup": (set(), set()),
    "core": ({"errors"}, {"pydantic"}),
    "reference": ({"errors", "core"}, None),
    "measure_ref": ({"errors", "core", "reference"}, None),
    "engine": ({"errors", "core"}, None),
    "api": ({"errors", "core", "engine"}, None),
    "app": ({"errors", "core", "engine", "api"}, None),
    "__main__": ({"errors", "startup", "engine", "measure_ref"}, set()),
}
"""An arrow only ever points upwards in this table, or into the part itself."""

MAY_IMPORT_VLLM = {"engine", "api"}


def part_of(module: str) -> str:
    """`laserve.core.score` -> `core`."""
    return module.split(".")[1]


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all modules that a file imports; `from a import b` gives both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def libraries(path: Path) -> set[str]:
    """Top-level packages that a file imports, without the standard library and laserve."""
    return (
        {name.partition(".")[0] for name in imports(path)} - sys.stdlib_module_names - {"laserve"}
    )


def test_every_part_is_in_the_table() -> None:
    parts = {part_of(module) for module in MODULES if module != "laserve"}
    assert parts == ALLOWED.keys()


def test_the_package_itself_imports_nothing() -> None:
    assert list(imports(PACKAGE / "__init__.py")) == []


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"laserve"}))
def test_imports_point_one_way(module: str) -> None:
    own = part_of(module)
    parts, others = ALLOWED[own]
    used = {part_of(name) for name in imports(MODULES[module]) if name.startswith("laserve.")}
    assert used <= {*parts, own}
    if others is not None:
        # `sitecustomize` hands on to another module of its name.
        assert libraries(MODULES[module]) - {"sitecustomize"} <= others


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"laserve"}))
def test_vllm_stays_inside_engine_and_api(module: str) -> None:
    if part_of(module) not in MAY_IMPORT_VLLM:
        assert "vllm" not in libraries(MODULES[module])


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_service_never_imports_its_tests_training_or_clients(module: str) -> None:
    forbidden = {"tests", "tools", "laserve_training", "laserve_client"}
    assert not libraries(MODULES[module]) & forbidden


def test_dependencies_are_exactly_what_is_imported() -> None:
    used = set[str]().union(*map(libraries, MODULES.values()))
    declared = {re.split(r"[<>=~!\[ ]", line)[0] for line in PROJECT["dependencies"]}
    # vLLM is an extra, as its distribution differs between CPU and GPU.
    assert used - {"vllm", "sitecustomize"} == {name.replace("-", "_") for name in declared}


def test_what_the_package_announces_exists() -> None:
    names = [
        *PROJECT["scripts"].values(),
        *PROJECT["entry-points"]["vllm.endpoint_plugins"].values(),
    ]
    for name in names:
        module, _, attribute = name.partition(":")
        tree = ast.parse(MODULES[module].read_text())
        defined = {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert attribute in defined, name


KNOWN_HOSTS = {"arxiv.org", "github.com", "www.apache.org", "keepachangelog.com", "semver.org"}
"""Hosts that files may name; none of them is a package registry."""


def tracked_files() -> list[Path]:
    """Files of the repository, the new ones included, that are text."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def test_files_name_no_host_that_is_not_known() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), host.lower())
        for path in tracked_files()
        for host in re.findall(
            r"https?://(?:\w+@)?([A-Za-z0-9.-]+\.[A-Za-z]{2,})", path.read_text()
        )
    }
    assert {(path, host) for path, host in found if host not in KNOWN_HOSTS} == set()


def test_files_name_no_folder_of_the_machine_they_were_written_on() -> None:
    pattern = re.compile(r"(?<![\w.~-])/(?:root|work|Users|opt/\w)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []
