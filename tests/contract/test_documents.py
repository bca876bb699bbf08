"""What README and docs/ say exists: commands, links, files, flags, routes, options."""

import argparse
import json
import tomllib
from pathlib import Path

import pytest
from fastapi import FastAPI

from laserve.api.routes import mount
from laserve.launch.flags import add_flags
from laserve.selection.options import SelectionOptions
from tests.contract.documented_commands import UnknownError, check
from tests.documents import (
    DOCS,
    DOCUMENTS,
    README,
    ROOT,
    Command,
    anchors,
    blocks,
    commands,
    languages,
    links,
    paths,
    rows,
    tree,
)

COMMANDS = [command for document in DOCUMENTS for command in commands(document)]
VLLMS = {"/health", "/metrics", "/v1/models"}
"""Routes of vLLM that the documents name."""


@pytest.fixture(scope="module")
def routes() -> set[str]:
    """Those that LaServe adds to vLLM's application."""
    app = FastAPI()
    mount(app)
    return set(app.openapi()["paths"])


@pytest.mark.parametrize("command", sorted(set(COMMANDS), key=str), ids=str)
def test_a_command_names_what_exists(command: Command, routes: set[str]) -> None:
    check(command.words, routes | VLLMS)


@pytest.mark.parametrize(
    "line",
    [
        "make serv",
        "make serve HOSTS=a",
        "make serve SERVE_FLAGS=--max-model-length",
        "make test PYTEST_FLAGS=tests/unit/test_nothing.py",
        "make bench BENCH_FLAGS=--legs",
        "laserve server MODEL",
        "laserve serve MODEL --z-d TOKEN",
        "laserve select MODEL --data FILE --rows 3",
        "laserve ask QUESTION --n-min 3",
        "laserve checkpoints unload",
        "laserve-client score",
        "laserve-train laser --config training/configs/countdown.toml --restart",
        "laserve-train laser --config training/configs/nothing.toml",
        "python -m tests.bench.nothing",
        "python -m tests.bench.selecting --round 3",
        "python tools/nothing.py",
        "pip install .[tpu]",
        "pip install ./clients/ruby",
        "npm ci --prefix clients/ruby",
        "npm run lint --prefix clients/typescript",
        "docker build --target tpu .",
        "docker compose --profile tpu up",
        "curl localhost:8000/v1/nothing",
        "vllm serve MODEL --z-c TOKEN",
    ],
)
def test_a_command_that_cannot_be_run_is_found(line: str, routes: set[str]) -> None:
    with pytest.raises(UnknownError):
        check(line.split(), routes | VLLMS)


def test_the_commands_of_every_document_are_found() -> None:
    without = {ROOT / "docs" / f"{name}.md" for name in ("client", "concepts", "reference")}
    assert {command.document for command in COMMANDS} == {*DOCUMENTS} - without


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_block_is_of_a_language_that_is_checked(document: Path) -> None:
    """`sh`: above; `python`, `ts`: run in tests/e2e; `text` and none are shown, not run."""
    assert languages(document) <= {"sh", "python", "ts", "toml", "json", "text", ""}
    for block in blocks(document, "toml"):
        tomllib.loads(block)
    for block in blocks(document, "json"):
        json.loads(block)


def test_the_readme_is_read_in_minutes() -> None:
    assert len(README.read_text().splitlines()) <= 200


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for path, anchor in links(document):
        assert path.exists(), path
        assert not anchor or anchor in anchors(path), (path, anchor)


def test_the_readme_and_the_first_page_of_the_guide_link_to_every_document() -> None:
    first = ROOT / "docs" / "index.md"
    linked = {path.resolve() for path, _ in [*links(README), *links(first)]}
    assert linked >= set(DOCS)


def test_the_tree_names_what_exists_and_every_room_of_the_service() -> None:
    (drawn,) = blocks(README, "")
    named = set(tree(drawn))
    assert [path for path in sorted(named) if not any(ROOT.glob(path))] == []
    rooms = {path.parent for path in (ROOT / "service" / "laserve").glob("*/__init__.py")}
    assert {f"{room.relative_to(ROOT)}/" for room in rooms} <= named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_text_names_exist(document: Path) -> None:
    named = list(paths(document))
    assert [path for path in named if not any(ROOT.glob(path))] == []


def test_every_flag_of_ours_is_documented() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_flags(parser)
    told = (ROOT / "docs" / "operations.md").read_text()
    assert [flag for flag in parser._option_string_actions if f"`{flag}" not in told] == []


def test_every_route_of_ours_is_documented(routes: set[str]) -> None:
    told = (ROOT / "docs" / "api.md").read_text()
    assert [path for path in sorted(routes) if path not in told] == []


def test_every_option_of_a_selection_is_documented_with_its_default() -> None:
    told = {
        cells[0]: cells[1] for cells in rows(ROOT / "docs" / "api.md", "Selection among samples")
    }
    fields = SelectionOptions.model_fields
    assert list(told) == [f"`{name}`" for name in fields]
    for name, field in fields.items():
        shown = {True: "true", False: "false", None: ""}.get(field.default, str(field.default))
        assert told[f"`{name}`"].strip("`") == shown, name
