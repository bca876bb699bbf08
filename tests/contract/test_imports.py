"""What is imported is declared, and nothing names what only the machine of its author has. Who
imports whom of our own: test_layers.py.

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

LIBRARIES: dict[str, set[str]] = {
    "laserve.errors": set(),
    "laserve.startup": set(),
    "laserve.core": {"pydantic"},
    "laserve.answers": {"jsonpath_rfc9535", "mpmath", "pydantic", "re2"},
    "laserve.selection": {"pydantic", "scipy"},
    "laserve.checkpoint": {"cryptography", "huggingface_hub", "numpy", "pydantic", "transformers"},
    "laserve.__main__": {"laserve_client"},
    "laserve_training.problem": {"pydantic"},
    "laserve_training.config": {"pydantic", "transformers"},
    "laserve_training.logs": {"transformers"},
    "laserve_training.rows": set(),
    "laserve_training.__main__": set(),
}
"""Part -> the libraries that it does with; the others may import any that is declared."""


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


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_itself_imports_nothing(package: str) -> None:
    assert list(imports(MODULES[package])) == []


@pytest.mark.parametrize("part", sorted(LIBRARIES))
def test_a_part_does_with_few_libraries(part: str) -> None:
    modules = {module: path for module, path in MODULES.items() if part_of(module) == part}
    assert modules
    for module, path in modules.items():
        # `sitecustomize` hands on to another module of its name.
        assert libraries(path) - {"sitecustomize"} <= LIBRARIES[part], module


EXTRAS: dict[str, tuple[str, set[str]]] = {
    "laserve_client._bar": ("cli", {"rich"}),
    "laserve_client.integrations.openai": ("openai", {"openai"}),
    "laserve_client.integrations.anthropic": ("anthropic", {"anthropic"}),
    "laserve_client.integrations.langchain": (
        "langchain",
        {"langchain_core", "langchain_openai", "openai"},
    ),
    "laserve_client.integrations.litellm": ("litellm", {"litellm"}),
}
"""Module of the client -> its extra, and what that brings."""


@pytest.mark.parametrize("module", sorted(CLIENT))
def test_the_client_needs_httpx_and_pydantic_and_for_its_extras_a_module_each(module: str) -> None:
    _, needed = EXTRAS.get(module, ("", set()))
    assert libraries(CLIENT[module]) - {"laserve_client", "httpx", "pydantic"} == needed


def test_the_extras_of_the_client_are_declared() -> None:
    extras = project("clients/python")["optional-dependencies"]
    assert {extra: declared(lines) for extra, lines in extras.items()} == {
        extra: {name.replace("_", "-") for name in needed} for extra, needed in EXTRAS.values()
    }


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
    # An extra, imported where a configuration reports to it.
    beside = imported(TRAINING) - declared(project(".")["dependencies"]) - {"wandb"}
    assert project("training")["optional-dependencies"]["wandb"] == ["wandb"]
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


KNOWN_HOSTS = {
    *("arxiv.org", "github.com", "www.apache.org", "keepachangelog.com", "semver.org"),
    *("docs.vllm.ai", "help.cleanlab.ai"),  # what docs/comparison.md says of others
    *("developers.openai.com", "example.com"),  # vLLM's own words in its OpenAPI document
    "www.w3.org",  # the name space of SVG
    "opencollective.com",  # whom the lock of npm says to pay
}
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
