"""Who imports whom: core <- answers <- selection <- scoring <- selecting <- serving <-
hot_load <- api <- app in the service, tasks <-
evaluation <- commands in the training, the training the service and never the reverse, the client
neither, and nothing that is not declared.

Read from the syntax tree of every file, so imports inside functions and for type checkers count.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from laserve_training.__main__ import NEEDED

ROOT = Path(__file__).parents[2]


def project(folder: str) -> dict[str, Any]:
    """The [project] table of the package in `folder`."""
    table: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return table


def modules_of(package: Path) -> dict[str, Path]:
    """Dotted name -> file."""
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in package.rglob("*.py")
    }


SERVICE = modules_of(ROOT / "service" / "laserve")
TRAINING = modules_of(ROOT / "training" / "laserve_training")
CLIENT = modules_of(ROOT / "clients" / "python" / "laserve_client")
MODULES = SERVICE | TRAINING

PACKAGES = {"laserve", "laserve_training"}

_SELECTION = {"laserve.errors", "laserve.core", "laserve.answers", "laserve.selection"}
_ENGINE = {*_SELECTION, "laserve.worker", "laserve.scoring", "laserve.selecting"}
_SERVED = {*_ENGINE, "laserve.checkpoint", "laserve.serving", "laserve.hot_load"}

ALLOWED: dict[str, tuple[set[str], set[str] | None]] = {
    # part: (parts that it may import, other libraries; None: any that is declared)
    "laserve.errors": (set(), set()),
    "laserve.startup": (set(), set()),
    "laserve.core": ({"laserve.errors"}, {"pydantic"}),
    "laserve.reference": ({"laserve.errors", "laserve.core"}, None),
    "laserve.measure_ref": ({"laserve.errors", "laserve.core", "laserve.reference"}, None),
    "laserve.answers": (
        {"laserve.errors", "laserve.core"},
        {"jsonpath_rfc9535", "math_verify", "pydantic", "re2"},
    ),
    "laserve.selection": (
        {"laserve.errors", "laserve.core", "laserve.answers"},
        {"pydantic", "scipy"},
    ),
    "laserve.checkpoint": (
        {"laserve.errors", "laserve.core"},
        {"huggingface_hub", "pydantic", "transformers"},
    ),
    "laserve.worker": ({"laserve.errors"}, None),
    "laserve.scoring": ({"laserve.errors", "laserve.core", "laserve.worker"}, None),
    "laserve.selecting": ({*_SELECTION, "laserve.scoring"}, None),
    "laserve.serving": ({*_ENGINE, "laserve.checkpoint"}, None),
    "laserve.hot_load": ({*_ENGINE, "laserve.checkpoint", "laserve.serving"}, None),
    "laserve.launch": (_ENGINE, None),
    "laserve.offline": ({*_ENGINE, "laserve.launch"}, None),
    "laserve.select_file": (
        {*_ENGINE, "laserve.launch", "laserve.offline", "laserve.reference"},
        None,
    ),
    "laserve.api": (_SERVED, None),
    "laserve.app": ({*_SERVED, "laserve.launch", "laserve.api"}, None),
    "laserve.__main__": (
        {
            "laserve.errors",
            "laserve.startup",
            "laserve.launch",
            "laserve.measure_ref",
            "laserve.select_file",
        },
        {"laserve_client"},
    ),
}
"""An arrow only ever points upwards in this table, or into the part itself."""

_SERVICE = {"laserve.errors", "laserve.core"}
_PLAIN = {"problem", "config", "logs", "checkpoint", "verifiers", "tasks", "rows", "models"}


def _training(*parts: str, service: set[str] = _SERVICE) -> set[str]:
    return {f"laserve_training.{part}" for part in parts} | service


ALLOWED |= {
    "laserve_training.problem": (set(), {"pydantic"}),
    "laserve_training.config": (_SERVICE, {"pydantic", "transformers"}),
    "laserve_training.logs": (set(), {"transformers"}),
    "laserve_training.checkpoint": (_SERVICE, None),
    "laserve_training.verifiers": (
        _training("problem", service={*_SERVICE, "laserve.answers"}),
        None,
    ),
    "laserve_training.tasks": (
        _training(
            *("problem", "config", "verifiers"),
            service={*_SERVICE, "laserve.answers", "laserve.reference"},
        ),
        None,
    ),
    "laserve_training.rows": (_training("problem", service={"laserve.reference"}), set()),
    "laserve_training.models": (
        _training("config", service={*_SERVICE, "laserve.reference"}),
        None,
    ),
    "laserve_training.scratch": (_training("config"), None),
    "laserve_training.laser": (_training("problem"), None),
    "laserve_training.evaluation": (
        _training(
            "problem", "verifiers", service={*_SERVICE, "laserve.answers", "laserve.offline"}
        ),
        None,
    ),
    "laserve_training.commands": (
        _training(
            *_PLAIN,
            *("scratch", "laser", "evaluation"),
            service={*_SERVICE, "laserve.reference", "laserve.offline"},
        ),
        None,
    ),
    "laserve_training.__main__": (
        _training("config", "commands", service={"laserve.errors", "laserve.startup"}),
        set(),
    ),
}

MAY_IMPORT_VLLM = {
    f"laserve.{room}"
    for room in (
        "worker",
        "scoring",
        "selecting",
        "serving",
        "hot_load",
        "launch",
        "offline",
        "api",
    )
}

MAY_IMPORT_CLIENT = {"laserve.__main__", "laserve_training.commands.publish"}
"""The command lines that talk to a server."""


def part_of(module: str) -> str:
    """`laserve.core.score` -> `laserve.core`."""
    return ".".join(module.split(".")[:2])


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
    """Top-level packages that a file imports, without the standard library and our own."""
    return {name.partition(".")[0] for name in imports(path)} - sys.stdlib_module_names - PACKAGES


def test_every_part_is_in_the_table() -> None:
    assert {part_of(module) for module in MODULES.keys() - PACKAGES} == ALLOWED.keys()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_itself_imports_nothing(package: str) -> None:
    assert list(imports(MODULES[package])) == []


@pytest.mark.parametrize("module", sorted(MODULES.keys() - PACKAGES))
def test_imports_point_one_way(module: str) -> None:
    own = part_of(module)
    parts, others = ALLOWED[own]
    named = {name for name in imports(MODULES[module]) if name.partition(".")[0] in PACKAGES}
    assert {part_of(name) for name in named} - PACKAGES <= {*parts, own}
    if others is not None:
        # `sitecustomize` hands on to another module of its name.
        assert libraries(MODULES[module]) - {"sitecustomize"} <= others


@pytest.mark.parametrize("module", sorted(MODULES.keys() - PACKAGES))
def test_vllm_stays_inside_its_rooms(module: str) -> None:
    if part_of(module) not in MAY_IMPORT_VLLM:
        assert "vllm" not in libraries(MODULES[module])


@pytest.mark.parametrize("module", sorted(TRAINING))
def test_the_training_uses_the_engine_through_one_module(module: str) -> None:
    engine = {name for name in imports(MODULES[module]) if name.startswith("laserve.engine")}
    assert all(name.startswith("laserve.offline") for name in engine)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_packages_import_neither_tests_nor_tools(module: str) -> None:
    assert not libraries(MODULES[module]) & {"tests", "tools"}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - MAY_IMPORT_CLIENT))
def test_the_packages_do_without_the_client(module: str) -> None:
    assert "laserve_client" not in libraries(MODULES[module])


@pytest.mark.parametrize("module", sorted(CLIENT))
def test_the_client_needs_httpx_and_pydantic_and_rich_for_its_progress_bar(module: str) -> None:
    found = libraries(CLIENT[module]) - {"laserve_client"}
    assert found <= {"httpx", "pydantic", *(["rich"] if module.endswith("._bar") else [])}
    assert not any(name.split(".")[0] in PACKAGES for name in imports(CLIENT[module]))


@pytest.mark.parametrize("module", sorted(SERVICE))
def test_the_service_never_imports_the_training(module: str) -> None:
    assert not any(name.startswith("laserve_training") for name in imports(MODULES[module]))


DISTRIBUTIONS = {"re2": "google-re2", "sklearn": "scikit-learn"}
"""Import name -> name of the distribution, where they differ by more than hyphens."""


def imported(modules: dict[str, Path]) -> set[str]:
    """Distributions that are imported, as they are declared."""
    used = set[str]().union(*map(libraries, modules.values()))
    # vLLM is an extra, as its distribution differs between CPU and GPU; no index has the client.
    used -= {"vllm", "sitecustomize", "laserve_client"}
    return {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in used}


def declared(lines: list[str]) -> set[str]:
    return {re.split(r"[<>=~!\[ ]", line)[0] for line in lines}


def test_dependencies_are_exactly_what_is_imported() -> None:
    assert imported(SERVICE) == declared(project(".")["dependencies"])


def test_the_training_depends_on_exactly_what_it_imports_beside_them() -> None:
    beside = imported(TRAINING) - declared(project(".")["dependencies"])
    # Imported by the trainer where a configuration reports to it, which is the default.
    training = declared(project("training")["dependencies"]) - {"tensorboard"}
    # Parts of pydantic and of transformers.
    assert beside - {"pydantic-core", "tokenizers"} == training
    # What laserve-train tells to install.
    assert {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in NEEDED} == {
        *training,
        *("laserve", "laserve-client", "vllm"),
    }


@pytest.mark.parametrize(
    ("folder", "modules"), [(".", SERVICE), ("training", TRAINING), ("clients/python", CLIENT)]
)
def test_what_a_package_announces_exists(folder: str, modules: dict[str, Path]) -> None:
    announced = project(folder)
    plugins = announced.get("entry-points", {}).get("vllm.endpoint_plugins", {})
    for name in (*announced["scripts"].values(), *plugins.values()):
        module, _, attribute = name.partition(":")
        tree = ast.parse(modules[module].read_text())
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
